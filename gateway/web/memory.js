// SPDX-License-Identifier: Apache-2.0
// What the browser remembers for this page; a browser may keep nothing.

// Returns what is remembered under a name, or null; with a value, remembers that.
export function remembered(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(name);
    localStorage.setItem(name, value);
  } catch {
    // It is asked again next time.
  }
  return null;
}

// Returns the address's query with some of its parameters set, or without those that are empty.
export function withParameters(search, values) {
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries(values)) if (value) query.set(name, value); else query.delete(name);
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return text ? `?${text}` : "";
}
