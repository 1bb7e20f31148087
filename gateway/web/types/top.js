// SPDX-License-Identifier: Apache-2.0
// The largest groups as bars, the largest first, and what all others have together.
import { element, setText } from "../dom.js";
import { figureLine, setFigure } from "../figure.js";
import { measure, number, spanWords } from "../format.js";
import { setLink } from "../link.js";
import { setFill } from "../stack.js";
import { Count } from "./count.js";

const SHOWN = 5; // rows on a card; the large view has all

const written = (value, unit, display) => {
  const { text, unit: behind } = measure(value, unit, display);
  return `${text}${behind ? ` ${behind}` : ""}`;
};

// By the code units of the names where values are equal: which of these comes first matters to nobody.
const sorted = (top) => Object.entries(top).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));

export class Top {
  static begin = Count.begin;

  static inShort({ largest, approximate }) {
    return largest === undefined ? "" : `${approximate ? "≈ " : ""}${number(largest)}`;
  }

  constructor(body) {
    this.largest = element("span", { class: "big" });
    this.unit = element("span", { class: "unit" });
    this.note = element("div", { class: "quiet" });
    this.rows = element("ul", { class: "parts" });
    this.more = element("li", { class: "more quiet" });
    body.append(figureLine(this.largest, this.unit), this.note, this.rows);
    this.list = [];
  }

  // Without `top` where not all fields may be seen, or when it was too large.
  update({ data, display }) {
    const { largest, other, approximate, error, groups, unit = display?.unit ?? "" } = data;
    const rows = sorted(data.top ?? {});
    const shown = this.rows.closest("dialog") ? rows : rows.slice(0, SHOWN);
    setFigure(this.largest, largest ?? 0, { display, unit, unitNode: this.unit });
    const about = approximate ? `off by ${written(error, unit, display)} at most` : `largest of ${number(groups)}`;
    setText(this.note, `${about} ${spanWords(data)}`.trim());
    while (this.list.length > shown.length) this.list.pop().node.remove();
    shown.forEach(([name, value], i) => {
      this.list[i] ??= this.row();
      const { title, count, meter, fill } = this.list[i];
      setLink(title, name === "" ? "none" : name, display?.item_link, name);
      if (title.title !== name) title.title = name;
      setText(count, written(value, unit, display));
      setFill(fill, value > 0 ? value / largest : 0);
      meter.setAttribute("aria-label", `${name} ${written(value, unit, display)}`);
    });
    const rest = rows.slice(shown.length).reduce((sum, [, value]) => sum + value, other);
    setText(this.more, `${written(rest, unit, display)} of others`);
    if (shown.length && (approximate || groups > shown.length)) this.rows.append(this.more);
    else this.more.remove();
    this.rows.style.setProperty("--rows", shown.length + 1);
  }

  row() {
    const title = element("span", { class: "name" });
    const count = element("b");
    const fill = element("div", { class: "fill" });
    const meter = element("div", { class: "meter", role: "img" }, fill);
    const node = element("li", {}, title, meter, count);
    this.rows.append(node);
    return { node, title, count, meter, fill };
  }
}
