// SPDX-License-Identifier: Apache-2.0
// A number with its unit, and where it stands between its least and its greatest.
import { element, setText } from "../dom.js";
import { figureLine, setFigure } from "../figure.js";
import { measure } from "../format.js";
import { History } from "../history.js";
import { setFill } from "../stack.js";

export class Gauge {
  static single = true;

  constructor(body) {
    this.value = element("span", { class: "big" });
    this.unit = element("span", { class: "unit" });
    this.fill = element("div", { class: "fill" });
    this.range = element("div", { class: "quiet range" }, element("span"), element("span"));
    body.append(figureLine(this.value, this.unit));
    this.history = new History(body);
    body.append(element("div", { class: "meter" }, this.fill), this.range);
  }

  tick(fresh) {
    if (fresh) this.history.tick(this.now);
  }

  update({ data, display }) {
    this.now = data.value;
    setFigure(this.value, data.value, { display, unit: data.unit, unitNode: this.unit });
    const span = data.max - data.min;
    setFill(this.fill, span > 0 ? (data.value - data.min) / span : 0);
    const bound = (value) => {
      const { text, unit } = measure(value, data.unit, display);
      return unit === (data.unit ?? "") ? text : `${text} ${unit}`;
    };
    setText(this.range.children[0], data.min === undefined ? "" : `min ${bound(data.min)}`);
    setText(this.range.children[1], data.max === undefined ? "" : `max ${bound(data.max)}`);
  }
}
