// SPDX-License-Identifier: Apache-2.0
// A line without axes, for where there is no chart.
import { range } from "./axis.js";

const svg = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);

export function plainLine() {
  const node = svg("svg");
  node.setAttribute("class", "plain");
  node.setAttribute("viewBox", "0 0 100 100");
  node.setAttribute("preserveAspectRatio", "none");
  node.setAttribute("aria-hidden", "true");
  const path = svg("path");
  node.append(path);
  // Draws values from left to right; null is a gap.
  const draw = (values) => {
    const known = values.filter((v) => v !== null && v !== undefined);
    const [low, high] = range(Math.min(...known, 0), Math.max(...known, 0));
    const point = (v, i) => `${((100 * i) / Math.max(1, values.length - 1)).toFixed(2)} ${(100 - (100 * (v - low)) / (high - low)).toFixed(2)}`;
    let pen = "M";
    const parts = values.map((v, i) => {
      const part = typeof v === "number" ? pen + point(v, i) : "";
      pen = typeof v === "number" ? "L" : "M";
      return part;
    });
    path.setAttribute("d", parts.join(""));
  };
  return { node, draw };
}
