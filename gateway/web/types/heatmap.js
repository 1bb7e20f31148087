// SPDX-License-Identifier: Apache-2.0
// The hours of the week as a table of seven rows, each the stronger in colour the more it has.
import { element, setText } from "../dom.js";
import { figureLine, setFigure } from "../figure.js";
import { measure } from "../format.js";

const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const WEEK_MS = 604800000;

const capital = (name) => name[0].toUpperCase() + name.slice(1);

export class Heatmap {
  static width = 2;

  static begin({ window_ms }, now) {
    return window_ms ? now - window_ms : undefined;
  }

  static inShort({ largest }) {
    return largest === undefined ? "" : measure(largest).text;
  }

  constructor(body) {
    this.largest = element("span", { class: "big" });
    this.unit = element("span", { class: "unit" });
    this.note = element("span", { class: "aside quiet" });
    this.table = element("table", { class: "hours" });
    body.append(figureLine(this.largest, this.unit, this.note), this.table);
  }

  // A row for each day, from the one that weeks begin with.
  build(week_starts) {
    this.week_starts = week_starts;
    this.cells = new Map();
    const hours = Array.from({ length: 24 }, (_, hour) => element("th", { scope: "col" }, hour % 6 ? "" : String(hour)));
    this.table.replaceChildren(element("tr", {}, element("td"), ...hours));
    const first = Math.max(DAYS.indexOf(week_starts), 0);
    for (const day of [...DAYS.slice(first), ...DAYS.slice(0, first)]) {
      const row = element("tr", {}, element("th", { scope: "row" }, capital(day).slice(0, 2)));
      for (let hour = 0; hour < 24; hour++) {
        const cell = element("td");
        this.cells.set(`${day} ${hour}`, cell);
        row.append(cell);
      }
      this.table.append(row);
    }
  }

  update({ data, display }) {
    const { cells = {}, largest, aggregate, week_starts, window_ms, unit = display?.unit ?? "" } = data;
    if (!this.cells || this.week_starts !== week_starts) this.build(week_starts);
    setFigure(this.largest, largest ?? 0, { display, unit, unitNode: this.unit });
    const weeks = window_ms / WEEK_MS;
    const span = window_ms ? ` in ${weeks === 1 ? "a week" : `${weeks} weeks`}` : "";
    setText(this.note, largest === undefined ? `nothing yet${span}` : `${aggregate} of the strongest hour${span}`);
    const values = Object.values(cells).flatMap((hours) => Object.values(hours));
    const least = Math.min(0, ...values);
    const width = Math.max(0, ...values) - least;
    for (const [name, cell] of this.cells) {
      const [day, hour] = name.split(" ");
      const value = cells[day]?.[hour];
      const { text, unit: behind } = value === undefined ? { text: "nothing" } : measure(value, unit, display);
      const title = `${capital(day)} ${hour}:00–${Number(hour) + 1}:00: ${text}${behind ? ` ${behind}` : ""}`;
      if (cell.title !== title) {
        cell.title = title;
        cell.setAttribute("aria-label", title);
      }
      cell.style.setProperty("--share", value === undefined || width === 0 ? 0 : (0.12 + 0.88 * ((value - least) / width)).toFixed(3));
    }
  }
}
