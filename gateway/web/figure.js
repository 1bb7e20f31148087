// SPDX-License-Identifier: Apache-2.0
// A number on a card: as long as there is room for it, whole in its tooltip, and with what has changed in it.
import { element, setText } from "./dom.js";
import { exact, measure } from "./format.js";

const CALM_MS = 4000; // A number that never rests points out a change at most so often,
const SHOWN_MS = 3000; // and for so long.

const marked = new WeakMap(); // the node of a number → {value, at}: what it was when a change was pointed out last, and when

// Makes a line for a number, which is in `node`, with what stands behind it. It has room for what the number has changed by.
export function figureLine(node, ...more) {
  return element("div", { class: "line" }, node, ...more, element("span", { class: "delta", "aria-hidden": "true" }));
}

// Tints the ground of a number that is another than before, and says by how much, if it stands in a line.
function pointOut(node, value, unit, display) {
  const last = marked.get(node);
  const now = performance.now();
  if (!last) marked.set(node, { value, at: -CALM_MS });
  if (!last || last.value === value || now - last.at < CALM_MS) return;
  marked.set(node, { value, at: now });
  node.classList.add("changed");
  const delta = node.parentNode?.classList.contains("line") ? node.parentNode.lastChild : null;
  if (delta && typeof value === "number" && typeof last.value === "number") {
    const by = Number(Math.abs(value - last.value).toPrecision(3));
    const { text, unit: written } = measure(by, unit, display);
    setText(delta, `${value > last.value ? "▲" : "▼"}${text}${written && written !== measure(value, unit, display).unit ? ` ${written}` : ""}`);
  }
  setTimeout(() => {
    node.classList.remove("changed");
    if (delta) setText(delta, "");
  }, SHOWN_MS);
}

// Shows a value in a node, and its unit in another, if there is one. `display` is the tile's. With `calm` a change is pointed out for a moment.
export function setFigure(node, value, { display = {}, unit = display.unit ?? "", unitNode = null, calm = true } = {}) {
  const shown = measure(value, unit, display);
  setText(node, shown.text);
  if (calm) pointOut(node, value, unit, display);
  if (unitNode) setText(unitNode, shown.unit ? ` ${shown.unit}` : "");
  const whole = exact(value);
  const title = whole === shown.text ? "" : `${whole}${unit ? ` ${unit}` : ""}`;
  if (node.title !== title) node.title = title;
  // The style sheet makes long ones smaller (tile.css).
  const length = String(shown.text.length + (unitNode?.textContent.length ?? 0) / 2);
  const sized = node.parentNode?.classList.contains("line") ? node.parentNode : node;
  if (sized.style.getPropertyValue("--length") !== length) sized.style.setProperty("--length", length);
}
