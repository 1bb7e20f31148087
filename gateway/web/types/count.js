// SPDX-License-Identifier: Apache-2.0
// A number, and over which time it was counted.
import { element, setText } from "../dom.js";
import { figureLine, setFigure } from "../figure.js";
import { spanWords } from "../format.js";
import { History } from "../history.js";

export class Count {
  static single = true;

  static begin({ begins_at, window_ms }, now) {
    return begins_at ? Date.parse(begins_at) : now - window_ms;
  }

  constructor(body) {
    this.value = element("span", { class: "big" });
    this.unit = element("span", { class: "unit" });
    this.note = element("div", { class: "quiet" });
    body.append(figureLine(this.value, this.unit), this.note);
    this.history = new History(body);
  }

  update({ data, display }) {
    this.now = data.value;
    setFigure(this.value, data.value, { display, unit: data.unit, unitNode: this.unit });
    setText(this.note, this.describe(data));
  }

  describe(data) {
    return spanWords(data);
  }

  tick(fresh) {
    if (fresh) this.history.tick(this.now);
  }
}
