// SPDX-License-Identifier: Apache-2.0
// The cards that show tiles, and what all of them share: title, age, staleness, past, search, groups. What a tile's type draws
// in a card's body is in types.js.
import { element, setText } from "./dom.js";
import { setFigure } from "./figure.js";
import { date, duration, moment, words } from "./format.js";
import { rankOf, worstOf } from "./trouble.js";
import { addressOf, setLink } from "./link.js";
import { setFill } from "./stack.js";
import { drawingOf } from "./types.js";
import { World } from "./world.js";

// Makes what all cards have: a head with the title and a note, and a line that shows how far a tile is built.
function frame(card, kind, key, content) {
  card.title = element("button", { type: "button", class: "title" });
  card.age = element("span", { class: "age" });
  card.link = element("a", { class: "link", target: "_blank", rel: "noopener noreferrer", hidden: "" }, "↗");
  card.built = element("div", { class: "fill built", role: "progressbar", "aria-label": "Building", hidden: "" });
  card.node = element("article", { class: `card ${kind}`, part: "card", "data-key": key },
    element("div", { class: "card-head" }, element("h2", { part: "title" }, card.title), card.age, card.link), element("div", { class: "body" }, ...content), card.built);
}

// Shows where the tile of a card leads to.
function lead(card, tile, group = "") {
  const address = addressOf(tile.display?.link, { group });
  card.link.hidden = !address;
  if (!address || card.link.getAttribute("href") === address) return;
  card.link.href = address;
  card.link.setAttribute("aria-label", `Open ${new URL(address).host}`);
  card.link.title = address;
}

// Says in the head how the tiles of a card stand, in a word or two. `why` says it at length, in a tooltip.
function note(card, tiles, stale, more = "") {
  const now = card.world.now();
  const building = tiles.filter((tile) => tile.building).map((tile) => Math.floor(100 * tile.building.progress));
  const percent = Math.min(...building);
  const partial = tiles.find((tile) => lacksRows(tile, now));
  const worst = tiles.length ? worstOf(tiles) : {};
  let text = "";
  let why = "";
  const troubled = rankOf(worst) > 0;
  if (troubled) card.node.dataset.status = worst.status;
  else delete card.node.dataset.status;
  if (stale) {
    more = "";
    text = `stale for ${duration(now - Math.max(...tiles.map((tile) => Date.parse(tile.updated_at))))}`;
  } else if (building.length) {
    text = `building ${percent} %`;
    why = "This tile is being made of the rows that are there. Until that is done its value lacks some of them.";
  } else if (troubled) {
    const alike = tiles.filter((tile) => tile.status === worst.status).length;
    text = tiles.length > 1 ? `${alike} ${worst.status}` : `${worst.status} for ${duration(now - Date.parse(worst.status_since))}`;
  } else if (partial) {
    text = partial.since ? `since ${date(partial.since.time)}` : "incomplete";
    why = `Older rows were gone when this tile was made${partial.since ? `: it knows those since ${moment(partial.since.time)}` : ""}.`;
  }
  card.node.classList.toggle("stale", stale);
  card.node.classList.toggle("building", building.length !== 0);
  card.node.classList.toggle("partial", why !== "");
  card.built.hidden = !building.length;
  if (building.length) {
    setFill(card.built, percent / 100);
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
    this.title.title = `${this.title.textContent}\n${tile.key}`; // There may be no room for the whole title.
    this.drawing.update(tile);
    lead(this, tile, tile.group?.value);
    this.tick();
  }

  // Called each second: moves what counts down, and the note in the head.
  tick() {
    // The way to its value is no history, and what nobody has heard of is none.
    this.drawing.tick?.(!this.tile.building && this.world.fresh(this.tile));
    note(this, [this.tile], this.world.stale(this.tile));
  }

  // How bad its status is (trouble.js).
  get rank() {
    return rankOf(this.tile);
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

const LOW = 6; // So many rows have room in a card of usual height.
const PART = 100; // So many rows of a large view are made at once, and as many again when its end comes into sight.

// The members of a group_by family, as bars of one card. Without a number of those that are shown, all are, as one comes to them.
export class Family {
  constructor(tile, world = new World(), shown = 12) {
    this.world = world;
    this.key = familyOf(tile);
    this.all = shown === Infinity;
    this.shown = this.all ? PART : shown;
    this.members = new Map();
    this.list = element("ul", { class: "bars" });
    this.end = element("div");
    frame(this, "family", this.key, [this.list, this.end]);
    if (this.all) {
      this.observer = new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && this.showMore());
      this.observer.observe(this.end);
    }
    this.tile = tile;
    this.members.set(tile.key, tile);
    this.draw();
  }

  // Many members may change at once, so the bars are drawn with the next frame.
  update(tile) {
    this.tile = tile;
    this.members.set(tile.key, tile);
    this.drawSoon();
  }

  remove(key) {
    this.members.delete(key);
    this.drawSoon();
    return this.members.size === 0;
  }

  drawSoon() {
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  showMore() {
    if (this.more <= 0) return;
    this.shown += PART;
    this.draw();
    // It is told once that the end is in sight; that may still be so.
    this.observer.unobserve(this.end);
    this.observer.observe(this.end);
  }

  rows() {
    const all = [...this.members.values()];
    return this.group ? all.filter((t) => t.group.by === this.group.by && t.group.value === this.group.value) : all;
  }

  row() {
    const row = element("li", {}, element("span", { class: "name" }), element("div", { class: "meter" }, element("div", { class: "fill" })), element("b"), element("span", { class: "quiet" }));
    this.list.append(row);
    return row;
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    setText(this.title, this.tile.title ?? this.key);
    this.title.title = `${this.title.textContent}\n${this.key}`;
    const rows = this.rows().sort((a, b) => rankOf(b) - rankOf(a) || (b.data.value ?? 0) - (a.data.value ?? 0) || (a.key < b.key ? -1 : 1));
    const most = rows.reduce((found, t) => Math.max(found, Math.abs(t.data.value ?? 0)), 0) || 1;
    while (this.list.children.length > Math.min(rows.length, this.shown)) this.list.lastChild.remove();
    this.list.style.setProperty("--rows", Math.min(rows.length, this.shown));
    rows.slice(0, this.shown).forEach((tile, i) => {
      const row = this.list.children[i] ?? this.row();
      const [name, { firstChild: bar }, figure, unit] = row.children;
      const value = tile.data.value ?? 0;
      row.dataset.key = tile.key;
      row.classList.toggle("stale", this.world.stale(tile));
      row.dataset.status = tile.status ?? "";
      if (name.title !== tile.group.value) name.title = tile.group.value;
      setFill(bar, Math.abs(value) / most);
      bar.classList.toggle("negative", value < 0);
      setFigure(figure, tile.data.value, { display: tile.display, unit: tile.data.unit ?? tile.display?.unit, unitNode: unit });
      setLink(name, tile.group.value, tile.display?.item_link, tile.group.value);
    });
    this.more = rows.length - this.shown;
    lead(this, this.tile);
    this.tick();
  }

  // A family is stale when all its members are, and has been since the newest of them was refreshed.
  tick() {
    const members = [...this.members.values()];
    note(this, members, members.length !== 0 && members.every((t) => this.world.stale(t)), this.more > 0 && !this.all ? `${this.more} more` : "");
  }

  // True when its rows have no room in a card of usual height.
  get tall() {
    return this.rows().length > LOW;
  }

  get rank() {
    return this.members.size ? rankOf(worstOf([...this.members.values()])) : 0;
  }

  retheme() {}

  destroy() {
    cancelAnimationFrame(this.frame);
    this.observer?.disconnect();
    this.node.remove();
  }

  filter(group) {
    this.group = group;
    this.draw();
    return this.rows().length !== 0;
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
