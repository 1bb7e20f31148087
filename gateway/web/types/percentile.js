// SPDX-License-Identifier: Apache-2.0
// What most values are below: that of 95 percent of them, and the others beside it.
import { element, setText } from "../dom.js";
import { number, measure } from "../format.js";
import { Count } from "./count.js";

const others = ["p50", "p90", "p99"];

export class Percentile extends Count {
  constructor(body) {
    super(body);
    this.others = element("div", { class: "quiet range" }, ...others.map(() => element("span")));
    body.append(this.others);
  }

  static inShort({ p95 }) {
    return p95 === undefined ? "–" : number(p95);
  }

  update({ data, display }) {
    super.update({ data: { ...data, value: data.p95 }, display });
    others.forEach((name, i) => {
      const { text, unit } = measure(data[name], data.unit, display);
      setText(this.others.children[i], data[name] === undefined ? "" : `${name} ${text}${unit ? ` ${unit}` : ""}`);
    });
  }

  describe(data) {
    return `95 % of ${number(data.count)} ${super.describe(data)}`.trim();
  }
}
