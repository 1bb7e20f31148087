// SPDX-License-Identifier: Apache-2.0
// A bar that is divided into parts, each of its own colour. Parts are moved and not made wider, so that no change lays out the page.
import { element } from "./dom.js";

const COLOURS = 12;

// The colours of parts, by the order in which they were first seen. Those after the twelfth are hatched.
export class Shades {
  constructor() {
    this.known = new Map();
  }

  get(name) {
    if (!this.known.has(name)) this.known.set(name, this.known.size);
    const i = this.known.get(name);
    return `s${i % COLOURS}${i >= COLOURS ? " hatched" : ""}`;
  }
}

export class Stack {
  constructor(shades, attributes = {}) {
    this.shades = shades;
    this.node = element("div", { class: "stack", ...attributes });
    this.parts = new Map();
  }

  // Shows {name: number}. Each part reaches to the end, and the next one lies on it.
  update(values) {
    for (const name of this.parts.keys()) if (!(name in values)) this.parts.get(name).hidden = true;
    const total = Object.values(values).reduce((sum, n) => sum + n, 0) || 1;
    let before = 0;
    for (const [name, value] of Object.entries(values)) {
      if (!this.parts.has(name)) {
        this.parts.set(name, element("div", { class: this.shades.get(name) }));
        this.node.append(this.parts.get(name));
      }
      const part = this.parts.get(name);
      part.hidden = value === 0;
      part.style.transform = `translateX(${((100 * before) / total).toFixed(2)}%)`;
      before += value;
    }
  }
}

// Fills a bar up to a part of its length, 0 … 1.
export function setFill(fill, part) {
  const transform = `translateX(${Math.round(1000 * part) / 10 - 100}%)`;
  if (fill.style.transform !== transform) fill.style.transform = transform;
}
