// SPDX-License-Identifier: Apache-2.0
// Runs before anything is drawn: the theme that the address or the browser remembers, and whether the page is a kiosk's.
{
  const root = document.documentElement;
  const query = new URLSearchParams(location.search);
  let theme = query.get("theme");
  try {
    theme ??= localStorage.getItem("tilewire.theme");
  } catch {
    // This browser keeps nothing.
  }
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  root.classList.toggle("kiosk", query.get("kiosk") === "1");
}
