// SPDX-License-Identifier: Apache-2.0
// How many items are open, as a bar and a legend of their states, by the values of another field, and since when the oldest one is.
import { element, setText } from "../dom.js";
import { figureLine, setFigure } from "../figure.js";
import { duration, number, words } from "../format.js";
import { Shades, Stack } from "../stack.js";

const SHOWN = 5; // rows of a breakdown on a card; the large view has all

const sum = (counts) => Object.values(counts).reduce((total, n) => total + n, 0);
const inWords = (counts) => Object.entries(counts).map(([state, n]) => `${words(state)} ${n}`).join(", ");

export class Backlog {
  static inShort({ total }) {
    return `${number(total)} open`;
  }

  constructor(body, world) {
    this.world = world;
    this.total = element("span", { class: "big" });
    this.shades = new Shades();
    this.stack = new Stack(this.shades, { role: "img" });
    this.legend = element("ul", { class: "legend" });
    this.parts = element("ul", { class: "parts" });
    this.note = element("div", { class: "quiet" });
    body.append(figureLine(this.total), this.stack.node, this.legend, this.parts, this.note);
    this.counts = new Map();
    this.rows = [];
  }

  count(name) {
    if (!this.counts.has(name)) {
      const count = element("b");
      this.legend.append(element("li", {}, element("i", { class: this.shades.get(name) }), element("span", {}, words(name)), count));
      this.counts.set(name, count);
    }
    return this.counts.get(name);
  }

  update({ data }) {
    setFigure(this.total, data.total);
    for (const [name, value] of Object.entries(data.buckets)) setText(this.count(name), number(value));
    this.stack.update(data.buckets);
    this.stack.node.setAttribute("aria-label", inWords(data.buckets));
    this.divide(data.breakdown ?? {});
    this.oldest = data.oldest_at;
    this.tick();
  }

  // Shows the counts by the values of the field `breakdown`, the largest first. The bars of all are as long as they are many.
  divide(breakdown) {
    const rows = Object.entries(breakdown).map(([name, counts]) => ({ name, counts, total: sum(counts) })).filter(({ total }) => total > 0)
      .sort((a, b) => b.total - a.total || (a.name < b.name ? -1 : 1));
    const shown = this.parts.closest("dialog") ? rows : rows.slice(0, SHOWN);
    while (this.rows.length > shown.length) this.rows.pop().node.remove();
    this.parts.style.setProperty("--rows", Math.min(rows.length, shown.length + 1));
    shown.forEach(({ name, counts, total }, i) => {
      this.rows[i] ??= this.row();
      const { title, count, stack, room } = this.rows[i];
      setText(title, name === "" ? "none" : name);
      title.title = name;
      setText(count, number(total));
      stack.update(counts);
      stack.node.setAttribute("aria-label", inWords(counts));
      room.style.setProperty("--part", total / rows[0].total);
    });
    this.more ??= element("li", { class: "more quiet" });
    setText(this.more, `${rows.length - shown.length} more`);
    if (rows.length > shown.length) this.parts.append(this.more);
    else this.more.remove();
  }

  row() {
    const title = element("span", { class: "name" });
    const count = element("b");
    const stack = new Stack(this.shades, { role: "img" });
    const room = element("div", { class: "room" }, stack.node);
    const node = element("li", {}, title, room, count);
    this.parts.append(node);
    return { node, title, count, stack, room };
  }

  tick() {
    setText(this.note, this.oldest ? `oldest ${duration(this.world.now() - Date.parse(this.oldest))}` : "empty");
  }
}
