// SPDX-License-Identifier: Apache-2.0
// How many items have missed their deadline, are at risk, or are fine, and the worst of them with the time that is left.
import { element, setText } from "../dom.js";
import { figureLine, setFigure } from "../figure.js";
import { duration, words } from "../format.js";
import { setLink } from "../link.js";

export class SlaRisk {
  static width = 2;

  static inShort({ breached, at_risk }) {
    return breached ? `${breached} breached` : `${at_risk} at risk`;
  }

  constructor(body, world) {
    this.world = world;
    this.counts = {};
    this.row = element("div", { class: "sla" });
    for (const state of ["breached", "at_risk", "ok"]) this.addCount(state);
    this.next = element("div", { class: "next quiet" });
    this.worst = element("ul", { class: "worst" });
    body.append(this.row, this.next, this.worst);
    this.items = [];
  }

  addCount(state) {
    this.counts[state] = element("b");
    this.row.append(element("div", { class: state }, figureLine(this.counts[state]), element("span", {}, words(state))));
  }

  update(tile) {
    const { data } = tile;
    this.tile = tile;
    if (data.paused !== undefined && !this.counts.paused) this.addCount("paused"); // Only some tiles have items whose clock can stand still.
    for (const state of Object.keys(this.counts)) {
      setFigure(this.counts[state], data[state] ?? 0); // A tile that is defined anew may have no clock that can stand still.
      this.counts[state].parentNode.parentNode.classList.toggle("none", !data[state]);
    }
    this.nextAt = data.next_breach_at;
    // Without `worst`, or without ids or deadlines in it, where not all fields may be seen. Rows stay, so that what somebody
    // selects in them does.
    const worst = data.worst ?? [];
    while (this.worst.children.length > worst.length) this.worst.lastChild.remove();
    this.worst.style.setProperty("--rows", worst.length);
    this.items = worst.map(({ id = "", due_at }, i) => {
      if (!this.worst.children[i]) this.worst.append(element("li", {}, element("span", { class: "name" }), element("b")));
      const [name, left] = this.worst.children[i].children;
      setLink(name, id, tile.display?.item_link, id);
      if (name.title !== id) name.title = id;
      return { due: Date.parse(due_at), left };
    });
    this.tick();
  }

  // A deadline that has passed since the moment for which the tile is true may have been met: nobody knows here.
  tick() {
    const now = this.world.now();
    const asOf = this.world.asOf(this.tile);
    for (const { due, left } of this.items) {
      const ms = due - now;
      if (Number.isNaN(ms)) {
        setText(left, "");
        continue;
      }
      const over = due <= asOf;
      setText(left, ms > 0 ? `in ${duration(ms)}` : over ? `${duration(-ms)} over` : `due ${duration(-ms)} ago`);
      left.className = ms <= 0 && over ? "over" : "";
    }
    const next = Date.parse(this.nextAt) - now;
    setText(this.next, Number.isNaN(next) ? "no breach ahead" : next > 0 ? `next breach in ${duration(next)}` : `a breach was due ${duration(-next)} ago`);
  }
}
