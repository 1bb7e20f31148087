// SPDX-License-Identifier: Apache-2.0
// The cards that show tiles, and what all of them share: title, age, staleness, search, groups. What a tile's type draws in a
// card's body is in types.js.
import { element, setText } from "./dom.js";
import { duration, number, words } from "./format.js";
import { drawingOf } from "./types.js";

// One tile.
export class Card {
  constructor(tile) {
    this.key = tile.key;
    this.title = element("button", { type: "button", class: "title" });
    this.age = element("span", { class: "age" });
    const body = element("div", { class: "body" });
    this.node = element("article", { class: `card ${tile.type}`, part: "card", "data-key": tile.key },
      element("div", { class: "card-head" }, element("h2", { part: "title" }, this.title), this.age), body);
    this.drawing = new (drawingOf(tile.type))(body);
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

  // Called each second: moves what counts down, and the age of what is stale.
  tick() {
    this.drawing.tick?.();
    this.node.classList.toggle("stale", this.tile.stale);
    setText(this.age, this.tile.stale ? `stale for ${duration(Date.now() - Date.parse(this.tile.updated_at))}` : "");
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
  constructor(tile, shown = 12) {
    this.key = familyOf(tile);
    this.shown = shown;
    this.members = new Map();
    this.title = element("button", { type: "button", class: "title" });
    this.list = element("ul", { class: "bars" });
    this.age = element("span", { class: "age" });
    this.node = element("article", { class: "card family", part: "card", "data-key": this.key },
      element("div", { class: "card-head" }, element("h2", { part: "title" }, this.title), this.age), element("div", { class: "body" }, this.list));
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
        row = element("li", {}, element("span", { class: "name" }), element("div", { class: "meter" }, element("div", { class: "fill" })), element("b"));
        this.list.append(row);
      }
      row.dataset.key = tile.key;
      row.classList.toggle("stale", tile.stale);
      setText(row.children[0], tile.group.value);
      row.children[1].firstChild.style.width = `${Math.round(((tile.data.value ?? 0) / most) * 100)}%`;
      setText(row.children[2], number(tile.data.value), true);
    });
    this.more = rows.length - this.shown;
    this.tick();
  }

  // A family is stale when all its members are, and has been since the newest of them was refreshed.
  tick() {
    const members = [...this.members.values()];
    const stale = members.length !== 0 && members.every((t) => t.stale);
    this.node.classList.toggle("stale", stale);
    const age = () => duration(Date.now() - Math.max(...members.map((t) => Date.parse(t.updated_at))));
    setText(this.age, stale ? `stale for ${age()}` : this.more > 0 ? `${this.more} more` : "");
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
