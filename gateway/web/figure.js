// SPDX-License-Identifier: Apache-2.0
// A number on a card: as long as there is room for it, and whole in its tooltip.
import { setText } from "./dom.js";
import { exact, measure } from "./format.js";

// Shows a value in a node, and its unit in another, if there is one. `display` is the tile's.
export function setFigure(node, value, { display = {}, unit = display.unit ?? "", unitNode = null, calm = true } = {}) {
  const shown = measure(value, unit, display);
  setText(node, shown.text, calm);
  if (unitNode) setText(unitNode, shown.unit ? ` ${shown.unit}` : "");
  const whole = exact(value);
  const title = whole === shown.text ? "" : `${whole}${unit ? ` ${unit}` : ""}`;
  if (node.title !== title) node.title = title;
  // The style sheet makes long ones smaller (tile.css).
  const length = String(shown.text.length + (unitNode?.textContent.length ?? 0) / 2);
  if (node.style.getPropertyValue("--length") !== length) node.style.setProperty("--length", length);
}
