// SPDX-License-Identifier: Apache-2.0
// How many items are heard of, are late, or are missing, and which ones are not up, since when.
import { element, setText } from "../dom.js";
import { figureLine, setFigure } from "../figure.js";
import { duration, words } from "../format.js";
import { setLink } from "../link.js";

export class Presence {
  static width = 2;

  static inShort({ missing, late }) {
    return missing ? `${missing} missing` : `${late} late`;
  }

  constructor(body, world) {
    this.world = world;
    this.counts = {};
    const row = element("div", { class: "sla" });
    for (const state of ["missing", "late", "up"]) {
      this.counts[state] = element("b");
      row.append(element("div", { class: state }, figureLine(this.counts[state]), element("span", {}, words(state))));
    }
    this.note = element("div", { class: "next quiet" });
    this.worst = element("ul", { class: "worst" });
    body.append(row, this.note, this.worst);
    this.items = [];
  }

  update(tile) {
    const { data, display } = tile;
    for (const state of Object.keys(this.counts)) {
      setFigure(this.counts[state], data[state]);
      this.counts[state].parentNode.parentNode.classList.toggle("none", data[state] === 0);
    }
    const silent = data.missing + data.late;
    setText(this.note, silent ? `${silent} of ${silent + data.up} not up` : data.up ? "all are up" : "nothing was heard of");
    // Without `worst`, or without members in it, where not all fields may be seen. Rows stay, so that what somebody selects
    // in them does.
    const worst = data.worst ?? [];
    while (this.worst.children.length > worst.length) this.worst.lastChild.remove();
    this.worst.style.setProperty("--rows", worst.length);
    this.items = worst.map(({ id = "", state, seen_at }, i) => {
      if (!this.worst.children[i]) this.worst.append(element("li", {}, element("span", { class: "name" }), element("b")));
      const [name, seen] = this.worst.children[i].children;
      setLink(name, id, display?.item_link, id);
      if (name.title !== id) name.title = id;
      seen.className = state === "missing" ? "over" : "";
      return { state, seenAt: Date.parse(seen_at), seen };
    });
    this.tick();
  }

  tick() {
    const now = this.world.now();
    for (const { state, seenAt, seen } of this.items) {
      const ago = Number.isNaN(seenAt) ? "" : `seen ${duration(Math.max(now - seenAt, 0))} ago`;
      setText(seen, state === "returning" ? `returning, ${ago}` : ago);
    }
  }
}
