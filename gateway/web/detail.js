// SPDX-License-Identifier: Apache-2.0
// The large view of one tile or family: its drawing, and all that is known about it.
import { element } from "./dom.js";
import { duration, exact, moment, stepName, words } from "./format.js";
import { savePicture } from "./picture.js";
import { Card, Family, familyOf } from "./tiles.js";

// Puts a value of a definition into words, such as "event_type: order.created, ok: true".
function phrase(value) {
  if (Array.isArray(value)) return value.map(phrase).join(" or ");
  if (value !== null && typeof value === "object") return Object.entries(value).map(([k, v]) => `${k}: ${v === null ? "closed" : phrase(v)}`).join(", ");
  return String(value);
}

export class Detail {
  // arrange(what, key) is called for the buttons of the layout.
  constructor(dialog, world, arrange) {
    this.dialog = dialog;
    this.world = world;
    this.lags = new Map(); // key → end-to-end lag in ms of the last change that a stream brought
    dialog.addEventListener("close", () => this.clear());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close(); // A click on the dialog itself is one beside what it holds.
      const what = event.target.closest("[data-arrange]")?.dataset.arrange;
      if (!what) return;
      arrange(what, this.key);
      if (what === "hide") dialog.close();
    });
    dialog.querySelector(".close").addEventListener("click", () => dialog.close());
    dialog.querySelector(".save").addEventListener("click", (event) => this.save(event.target));
  }

  show(key, tiles) {
    this.clear();
    this.key = key;
    this.card = familyOf(tiles[0]) ? new Family(tiles[0], this.world, Infinity) : new Card(tiles[0], this.world);
    this.facts = element("dl");
    this.defined = element("section", { class: "defined", hidden: "" }, element("h3", {}, "Definition"), element("dl"));
    this.json = element("pre");
    this.define(familyOf(tiles[0]) ?? (tiles[0].group ? key.split("/")[0] : key));
    this.dialog.querySelector(".view").replaceChildren(this.card.node, this.facts, this.defined,
      element("details", {}, element("summary", {}, "As the gateway serves it"), this.json));
    for (const tile of tiles) this.card.update(tile);
    this.update(tiles.at(-1));
    this.dialog.setAttribute("aria-label", tiles[0].title ?? key);
    if (!this.dialog.open) this.dialog.showModal();
  }

  // Shows how the tile is defined, in the words of the configuration. A gateway with another configuration does not know it.
  async define(key) {
    const place = this.defined;
    const answer = await fetch(`api/definitions/${encodeURIComponent(key)}`, { cache: "no-cache" }).catch(() => null);
    if (!answer?.ok) return;
    const { key: _, type: __, title: ___, ...definition } = await answer.json().catch(() => ({}));
    place.lastChild.replaceChildren(...Object.entries(definition).map(([name, value]) => element("div", {}, element("dt", {}, words(name)), element("dd", {}, phrase(value)))));
    place.hidden = place.lastChild.children.length === 0;
  }

  async save(button) {
    try {
      await savePicture(this.card.node, this.key);
    } catch {
      button.textContent = "This browser makes none";
      setTimeout(() => { button.textContent = "Picture"; }, 2500);
    }
  }

  clear() {
    this.card?.destroy();
    this.card = this.key = null;
    this.dialog.querySelector(".view").replaceChildren();
  }

  // Notes how long a streamed change took to get here, since the moment of which it is true.
  arrived(tile) {
    this.lags.set(tile.key, Math.max(0, this.world.now() - Date.parse(tile.as_of.time)));
  }

  forget(key) {
    this.lags.delete(key);
  }

  update(tile) {
    if (!this.card || (tile.key !== this.key && familyOf(tile) !== this.key)) return;
    this.card.update(tile);
    this.tile = tile;
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (!this.card) return;
      this.json.textContent = JSON.stringify(this.tile, null, 2);
      this.tick();
    });
  }

  tick() {
    if (!this.card) return;
    this.card.tick();
    const { tile } = this;
    const lag = this.lags.get(tile.key);
    const facts = {
      Key: tile.key,
      Exactly: typeof tile.data.value === "number" && exact(tile.data.value) + (tile.data.unit ? ` ${tile.data.unit}` : ""),
      Type: words(tile.type),
      Group: tile.group && `${tile.group.by} = ${tile.group.value}`,
      Window: tile.data.window ? words(tile.data.window) : tile.data.window_ms && duration(tile.data.window_ms),
      Step: tile.data.step_ms && `${tile.data.aggregate} per ${stepName(tile.data)}`,
      "Time zone": tile.data.time_zone,
      Status: tile.status && `${tile.status} since ${moment(tile.status_since)}`,
      "May change": tile.status_pending && Object.entries(tile.status_pending).map(([level, at]) => `${level}, waiting since ${moment(at)}`).join("; "),
      Refresh: tile.refresh && `${words(tile.refresh.policy)}, at most every ${tile.refresh.min_interval_ms} ms`,
      Version: tile.version,
      "As of": `position ${tile.as_of.position}, ${moment(tile.as_of.time)}`,
      Since: tile.since && `position ${tile.since.position}, ${moment(tile.since.time)}`,
      Complete: tile.complete === false ? "no: older rows were gone when the tile was made" : undefined,
      Building: tile.building && `${Math.floor(100 * tile.building.progress)} %: until then its value lacks rows`,
      Published: `${duration(this.world.now() - Date.parse(tile.updated_at))} ago${this.world.stale(tile) ? ", stale" : ""}`,
      "Time to live": duration(tile.ttl_ms),
      "End-to-end lag": lag === undefined ? undefined : lag < 10000 ? `${lag} ms` : duration(lag),
    };
    const shown = Object.entries(facts).filter(([, value]) => value !== undefined && value !== false);
    if (this.facts.children.length !== shown.length) this.facts.replaceChildren(...shown.map(() => element("div", {}, element("dt"), element("dd"))));
    shown.forEach(([name, value], i) => {
      const [dt, dd] = this.facts.children[i].children;
      if (dt.textContent !== name) dt.textContent = name;
      if (dd.textContent !== String(value)) dd.textContent = value;
    });
  }

  retheme() {
    this.card?.retheme();
  }
}
