// SPDX-License-Identifier: Apache-2.0
// The table of the newest events. Events are prepended as they come, and can be filtered by type and paused.
import { element } from "./dom.js";
import { moment } from "./format.js";

const SHOWN = 100;

export class EventsTable {
  constructor({ body, filter, pause }) {
    Object.assign(this, { body, filter, pause });
    this.shown = new Set(); // the ids of the events that are shown, as text
    this.waiting = []; // the events that came while the table is paused
    this.types = new Set();
    filter.addEventListener("change", () => {
      for (const row of body.children) row.hidden = this.hides(row.dataset.type);
    });
    pause.addEventListener("click", () => this.toggle());
  }

  get paused() {
    return this.pause.getAttribute("aria-pressed") === "true";
  }

  toggle() {
    this.pause.setAttribute("aria-pressed", String(!this.paused));
    if (!this.paused) this.add(this.waiting.splice(0));
    this.label();
  }

  label() {
    this.pause.textContent = !this.paused ? "Pause" : this.waiting.length ? `Go on (${this.waiting.length >= SHOWN ? `${SHOWN}+` : this.waiting.length} new)` : "Go on";
  }

  hides(type) {
    return this.filter.value !== "" && this.filter.value !== type;
  }

  // Adds events, oldest first. With `anew` they replace what is shown.
  add(events, anew = false) {
    if (this.paused) {
      this.waiting.push(...events);
      this.waiting.splice(0, this.waiting.length - SHOWN);
      this.label();
      return;
    }
    if (anew) {
      this.body.replaceChildren();
      this.shown.clear();
    }
    const rows = events.slice(-SHOWN).filter((event) => !this.shown.has(String(event.id))).map((event) => this.row(event));
    this.body.prepend(...rows.reverse());
    while (this.body.children.length > SHOWN) {
      this.shown.delete(this.body.lastChild.dataset.id);
      this.body.lastChild.remove();
    }
  }

  row(event) {
    this.shown.add(String(event.id));
    this.learn(event.event_type);
    const cell = (text, name) => element("td", name ? { class: name } : {}, text ?? "");
    const row = element("tr", { "data-id": event.id, "data-type": event.event_type },
      cell(moment(event.timestamp), "time"), cell(event.event_type, "type"), cell(event.actor_id, "actor"), cell(event.target_id, "target"),
      cell(event.summary, "summary"), cell(String(event.id), "id"));
    row.querySelector(".summary").dataset.target = event.target_id ?? "";
    row.hidden = this.hides(event.event_type);
    return row;
  }

  // Adds a type to the filter: types are not known beforehand. Only so many fit a list.
  learn(type) {
    if (this.types.has(type) || this.types.size >= 500) return;
    this.types.add(type);
    const next = [...this.filter.options].slice(1).find((option) => option.value > type);
    this.filter.insertBefore(element("option", { value: type }, type), next ?? null);
  }
}
