// SPDX-License-Identifier: Apache-2.0
// The newest rows, as a table: when each was, and some of its fields.
import { element, setText } from "../dom.js";
import { moment, words } from "../format.js";

const byId = new Intl.Collator("en", { numeric: true });
const heading = (field) => words(field.replace(/^payload\./, ""));

// Newest first; of the same millisecond, the one with the greatest id.
function sorted(rows) {
  return Object.entries(rows).sort(([a, x], [b, y]) => (x.at === y.at ? byId.compare(b, a) : (x.at ?? "") < (y.at ?? "") ? 1 : -1));
}

export class Latest {
  constructor(body) {
    this.head = element("tr");
    this.rows = element("tbody");
    this.none = element("div", { class: "quiet" });
    body.append(element("div", { class: "latest", tabindex: "0" }, element("table", {}, element("thead", {}, this.head), this.rows)), this.none);
  }

  // Rows and cells stay, so that what somebody selects in them does. Without `rows`, or without `at` or `fields` in them, where
  // not all fields may be seen.
  update({ data }) {
    const columns = data.show ?? [];
    const rows = sorted(data.rows ?? {});
    this.fill(this.head, "th", ["when", ...columns.map(heading)], ["", ...columns]);
    while (this.rows.children.length > rows.length) this.rows.lastChild.remove();
    rows.forEach(([id, { at, fields = {} }], i) => {
      if (!this.rows.children[i]) this.rows.append(element("tr"));
      const texts = columns.map((name) => fields[name] ?? "");
      this.fill(this.rows.children[i], "td", [at ? moment(at) : "", ...texts], [id, ...texts]);
    });
    setText(this.none, rows.length ? "" : "no row yet");
  }

  fill(row, tag, texts, titles) {
    while (row.children.length > texts.length) row.lastChild.remove();
    texts.forEach((text, i) => {
      const cell = row.children[i] ?? row.appendChild(element(tag));
      setText(cell, text);
      if (cell.title !== titles[i]) cell.title = titles[i];
    });
  }
}
