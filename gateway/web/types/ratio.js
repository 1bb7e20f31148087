// SPDX-License-Identifier: Apache-2.0
// A percentage, of how many it is, and how much of a bar that is. Of nothing there is no percentage, which is not 0 %.
import { element } from "../dom.js";
import { number } from "../format.js";
import { setFill } from "../stack.js";
import { Count } from "./count.js";

export class Ratio extends Count {
  constructor(body) {
    super(body);
    this.fill = element("div", { class: "fill" });
    body.append(element("div", { class: "meter" }, this.fill));
  }

  update(tile) {
    super.update(tile);
    setFill(this.fill, Math.min(1, (tile.data.value ?? 0) / 100));
  }

  describe(data) {
    const counts = data.whole === 0 ? "of none" : `${number(data.part)} of ${number(data.whole)}`;
    return `${counts} ${super.describe(data)}`.trim();
  }
}
