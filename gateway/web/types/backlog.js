// SPDX-License-Identifier: Apache-2.0
// How many items are open, as a bar and a legend of their states, and since when the oldest one is.
import { element, setText } from "../dom.js";
import { setFigure } from "../figure.js";
import { duration, number, words } from "../format.js";

export class Backlog {
  static inShort({ total }) {
    return `${number(total)} open`;
  }

  constructor(body, world) {
    this.world = world;
    this.total = element("div", { class: "big" });
    this.bar = element("div", { class: "stack", role: "img" });
    this.legend = element("ul", { class: "legend" });
    this.note = element("div", { class: "quiet" });
    body.append(this.total, this.bar, this.legend, this.note);
    this.parts = new Map();
  }

  part(name) {
    if (!this.parts.has(name)) {
      const shade = `s${this.parts.size % 6}`;
      const count = element("b");
      const part = { bar: element("div", { class: shade }), count };
      this.bar.append(part.bar);
      this.legend.append(element("li", {}, element("i", { class: shade }), element("span", {}, words(name)), count));
      this.parts.set(name, part);
    }
    return this.parts.get(name);
  }

  update({ data }) {
    setFigure(this.total, data.total);
    for (const [name, value] of Object.entries(data.buckets)) {
      const part = this.part(name);
      part.bar.style.flexGrow = value;
      part.bar.hidden = value === 0; // Without this the gap beside it would be seen.
      setText(part.count, number(value));
    }
    this.bar.setAttribute("aria-label", Object.entries(data.buckets).map(([k, v]) => `${words(k)} ${v}`).join(", "));
    this.oldest = data.oldest_at;
    this.tick();
  }

  tick() {
    setText(this.note, this.oldest ? `oldest ${duration(this.world.now() - Date.parse(this.oldest))}` : "empty");
  }
}
