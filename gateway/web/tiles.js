// SPDX-License-Identifier: Apache-2.0
// The cards that show tiles, and what all of them share: title, age, staleness, past, search, groups. What a tile's type draws
// in a card's body is in types.js.
import { element, setText } from "./dom.js";
import { setFigure } from "./figure.js";
import { date, duration, words } from "./format.js";
import { drawingOf } from "./types.js";
import { World } from "./world.js";

// Makes what all cards have: a head with the title and a note, and a line that shows how far a tile is built.
function frame(card, kind, key, content) {
  card.title = element("button", { type: "button", class: "title" });
  card.age = element("span", { class: "age" });
  card.built = element("div", { class: "fill built", role: "progressbar", "aria-label": "Building", hidden: "" });
  card.node = element("article", { class: `card ${kind}`, part: "card", "data-key": key },
    element("div", { class: "card-head" }, element("h2", { part: "title" }, card.title), card.age), element("div", { class: "body" }, ...content), card.built);
}

// Says in the head how the tiles of a card stand, in a word or two. `why` says it at length, in a tooltip.
function note(card, tiles, stale, more = "") {
  const now = card.world.now();
  const building = tiles.filter((tile) => tile.building).map((tile) => Math.floor(100 * tile.building.progress));
  const percent = Math.min(...building);
  const partial = tiles.find((tile) => lacksRows(tile, now));
  let text = "";
  let why = "";
  if (stale) {
    more = "";
    text = `stale for ${duration(now - Math.max(...tiles.map((tile) => Date.parse(tile.updated_at))))}`;
  } else if (building.length) {
    text = `building ${percent} %`;
    why = "This tile is being made of the rows that are there. Until that is done its value lacks some of them.";
  } else if (partial) {
    text = partial.since ? `since ${date(partial.since.time)}` : "incomplete";
    why = `Older rows were gone when this tile was made${partial.since ? `: it knows those since ${new Date(partial.since.time).toLocaleString()}` : ""}.`;
  }
  card.node.classList.toggle("stale", stale);
  card.node.classList.toggle("building", building.length !== 0);
  card.node.classList.toggle("partial", why !== "");
  card.built.hidden = !building.length;
  if (building.length) {
    card.built.style.width = `${percent}%`;
    card.built.setAttribute("aria-valuenow", percent);
  }
  setText(card.age, [text, more].filter(Boolean).join(" · "));
  if (card.age.title !== why) card.age.title = why;
}

// True when rows are known to be gone that the tile would show. Those from before its window or its chart do not matter.
export function lacksRows(tile, now = Date.now()) {
  return tile.complete === false && !(Date.parse(tile.since?.time) < drawingOf(tile.type).begin?.(tile.data, now));
}

// One tile.
export class Card {
  constructor(tile, world = new World()) {
    this.key = tile.key;
    this.world = world;
    frame(this, tile.type, tile.key, []);
    this.drawing = new (drawingOf(tile.type))(this.node.querySelector(".body"), world);
    this.update(tile);
  }

  update(tile) {
    this.tile = tile;
    const group = tile.group ? ` · ${tile.group.value}` : "";
    setText(this.title, (tile.title ?? tile.key) + group);
    this.title.title = tile.key;
    this.drawing.update(tile);
    this.tick();
  }

  // Called each second: moves what counts down, and the note in the head.
  tick() {
    // The way to its value is no history, and what nobody has heard of is none.
    this.drawing.tick?.(!this.tile.building && this.world.fresh(this.tile));
    note(this, [this.tile], this.world.stale(this.tile));
  }

  retheme() {
    this.drawing.retheme?.();
  }

  destroy() {
    this.drawing.destroy?.();
    this.node.remove();
  }

  // True when the card belongs to the group that is shown ({by, value}, or null for all).
  filter(group) {
    return !group || this.tile.group?.by !== group.by || this.tile.group.value === group.value;
  }

  matches(text) {
    const { key, title, type, group } = this.tile;
    return `${key} ${title ?? ""} ${words(type)} ${group?.value ?? ""}`.toLowerCase().includes(text);
  }
}

// The members of a group_by family, as bars of one card.
export class Family {
  constructor(tile, world = new World(), shown = 12) {
    this.world = world;
    this.key = familyOf(tile);
    this.shown = shown;
    this.members = new Map();
    this.list = element("ul", { class: "bars" });
    frame(this, "family", this.key, [this.list]);
    this.update(tile);
  }

  update(tile) {
    this.tile = tile;
    setText(this.title, tile.title ?? this.key);
    this.members.set(tile.key, tile);
    this.draw();
  }

  remove(key) {
    this.members.delete(key);
    this.draw();
    return this.members.size === 0;
  }

  draw() {
    const rows = [...this.members.values()].filter((t) => !this.group || t.group.by !== this.group.by || t.group.value === this.group.value).sort((a, b) => (b.data.value ?? 0) - (a.data.value ?? 0) || (a.key < b.key ? -1 : 1));
    const most = Math.max(1, ...rows.map((t) => t.data.value ?? 0));
    while (this.list.children.length > Math.min(rows.length, this.shown)) this.list.lastChild.remove();
    rows.slice(0, this.shown).forEach((tile, i) => {
      let row = this.list.children[i];
      if (!row) {
        row = element("li", {}, element("span", { class: "name" }), element("div", { class: "meter" }, element("div", { class: "fill" })), element("b"), element("span", { class: "quiet" }));
        this.list.append(row);
      }
      row.dataset.key = tile.key;
      row.classList.toggle("stale", this.world.stale(tile));
      setText(row.children[0], tile.group.value);
      row.children[1].firstChild.style.width = `${Math.round(((tile.data.value ?? 0) / most) * 100)}%`;
      setFigure(row.children[2], tile.data.value, { unit: tile.data.unit, unitNode: row.children[3] });
    });
    this.more = rows.length - this.shown;
    this.tick();
  }

  // A family is stale when all its members are, and has been since the newest of them was refreshed.
  tick() {
    const members = [...this.members.values()];
    note(this, members, members.length !== 0 && members.every((t) => this.world.stale(t)), this.more > 0 ? `${this.more} more` : "");
  }

  retheme() {}

  destroy() {
    this.node.remove();
  }

  filter(group) {
    this.group = group;
    this.draw();
    return this.list.children.length !== 0;
  }

  matches(text) {
    return [...this.members.values()].some((t) => `${t.key} ${t.title ?? ""}`.toLowerCase().includes(text));
  }
}

// The key of the family whose card shows the tile, or null when the tile has a card for itself: members that are single
// numbers share one, others are better seen each for itself.
export function familyOf(tile) {
  return tile.group && drawingOf(tile.type).single ? tile.key.split("/")[0] : null;
}
