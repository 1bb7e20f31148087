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

// Sets a text only if it is another, so that nothing flickers.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
