// SPDX-License-Identifier: Apache-2.0
// What all parts of the page make their elements and texts with.

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

const CALM_MS = 4000;
const shownAt = new WeakMap(); // element → when its last change was pointed out

// Sets a text only if it is another, so that nothing flickers. With `calm` a change is pointed out for a moment; while a
// number never rests, only some of its changes are.
export function setText(node, text, calm = false) {
  if (node.textContent === text) return;
  const first = node.textContent === "";
  node.textContent = text;
  if (!calm || first || performance.now() - (shownAt.get(node) ?? -CALM_MS) < CALM_MS) return;
  shownAt.set(node, performance.now());
  node.classList.add("changed");
  node.addEventListener("animationend", () => node.classList.remove("changed"), { once: true });
}
