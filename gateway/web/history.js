// SPDX-License-Identifier: Apache-2.0
// A faint line under a number that shows what it was, second by second, since the page was opened.
export class History {
  constructor(body) {
    const svg = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
    this.node = svg("svg");
    this.node.setAttribute("class", "history");
    this.node.setAttribute("viewBox", "0 0 119 30");
    this.node.setAttribute("preserveAspectRatio", "none");
    this.node.setAttribute("aria-hidden", "true");
    this.line = svg("path");
    this.area = svg("path");
    this.area.setAttribute("class", "area");
    this.node.append(this.area, this.line);
    body.append(this.node);
    this.values = [];
  }

  tick(value) {
    if (typeof value !== "number" || performance.now() - this.at < 900) return;
    this.at = performance.now();
    this.values.push(value);
    this.node.classList.toggle("few", this.values.length < 12);
    if (this.values.length > 120) this.values.shift();
    const low = Math.min(...this.values);
    const high = Math.max(...this.values);
    // What changes by less than a tenth of itself is nearly level.
    const span = Math.max(high - low, Math.abs(high) / 10) || 1;
    const last = Math.max(1, this.values.length - 1);
    const x = (i) => ((i / last) * 119).toFixed(1);
    const y = (v) => (28 - ((v - low) / span) * 26).toFixed(1);
    const line = this.values.map((v, i) => `${i ? "L" : "M"}${x(i)} ${y(v)}`).join("");
    this.line.setAttribute("d", line);
    this.area.setAttribute("d", `${line}V30H0Z`);
  }
}
