// SPDX-License-Identifier: Apache-2.0
// How many items have missed their deadline, are at risk, or are fine, and the worst of them with the time that is left.
import { element, setText } from "../dom.js";
import { setFigure } from "../figure.js";
import { duration, words } from "../format.js";

export class SlaRisk {
  constructor(body) {
    this.counts = {};
    const row = element("div", { class: "sla" });
    for (const state of ["breached", "at_risk", "ok"]) {
      this.counts[state] = element("b");
      row.append(element("div", { class: state }, this.counts[state], element("span", {}, words(state))));
    }
    this.next = element("div", { class: "next quiet" });
    this.worst = element("ul", { class: "worst" });
    body.append(row, this.next, this.worst);
    this.items = [];
  }

  update({ data }) {
    for (const state of Object.keys(this.counts)) {
      setFigure(this.counts[state], data[state]);
      this.counts[state].parentNode.classList.toggle("none", data[state] === 0);
    }
    this.nextAt = data.next_breach_at;
    this.worst.replaceChildren();
    // Without `worst`, or without ids or deadlines in it, where not all fields may be seen.
    this.items = (data.worst ?? []).map(({ id = "", due_at }) => {
      const left = element("b");
      this.worst.append(element("li", {}, element("span", { class: "name" }, id), left));
      return { due: Date.parse(due_at), left };
    });
    this.tick();
  }

  tick() {
    for (const { due, left } of this.items) {
      const ms = due - Date.now();
      if (Number.isNaN(ms)) {
        continue;
      }
      setText(left, ms > 0 ? `in ${duration(ms)}` : `${duration(-ms)} over`);
      left.className = ms > 0 ? "" : "over";
    }
    const next = Date.parse(this.nextAt) - Date.now();
    setText(this.next, next > 0 ? `next breach in ${duration(next)}` : "no breach ahead");
  }
}
