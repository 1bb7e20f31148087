// SPDX-License-Identifier: Apache-2.0
// How the cards are laid out: their order, their sizes, and which are hidden. The layout is kept in the page's URL, so that a
// link shows the same wall to everybody: ?order=a,b&size=a:2,b:3x2&hidden=c&show=a,orders.*&trouble=inplace
import { withParameters } from "./memory.js";

// Decodes a key. A text that is not encoded as ours are is no key.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

const list = (text) => (text ?? "").split(",").map(decoded).filter(Boolean);
const joined = (keys) => keys.map(encodeURIComponent).join(",");
export const MAX_WIDTH = 4;
export const MAX_HEIGHT = 2;

const within = (n, max) => Math.min(max, Math.max(1, Math.round(n) || 1));

export class Layout {
  constructor(search) {
    this.placeOf = () => ({ section: 0, order: 0 }); // where a key stands if nothing else says so
    this.read(search);
  }

  read(search) {
    const query = new URLSearchParams(search);
    this.order = list(query.get("order"));
    this.hidden = new Set(list(query.get("hidden")));
    this.only = list(query.get("show")); // the keys that are shown; with a `*` at the end all that begin so. None: all
    this.troubleFirst = query.get("trouble") !== "inplace";
    this.sizes = new Map();
    for (const part of (query.get("size") ?? "").split(",").filter(Boolean)) {
      const at = part.lastIndexOf(":");
      const [width, height] = part.slice(at + 1).split("x").map(Number);
      if (at > 0) this.sizes.set(decoded(part.slice(0, at)), { width: within(width, MAX_WIDTH), height: within(height, MAX_HEIGHT) });
    }
  }

  // Returns the URL's query for this layout. Other parameters stay.
  search(before) {
    return withParameters(before, {
      order: joined(this.order),
      hidden: joined([...this.hidden]),
      show: joined(this.only),
      trouble: this.troubleFirst ? "" : "inplace",
      size: [...this.sizes].map(([key, { width, height }]) => `${encodeURIComponent(key)}:${width}${height > 1 ? `x${height}` : ""}`).join(","),
    });
  }

  // True when a view names the tiles that it shows, and this is none of them.
  leavesOut(key) {
    return this.only.length !== 0 && !this.only.some((one) => (one.endsWith("*") ? key.startsWith(one.slice(0, -1)) : key === one));
  }

  // Sorts keys: by their sections, and in these those that the order names come first, then all others as in the file. With ranks, what has a greater one comes before
  // all others, if that is wanted.
  sort(keys, rankOf = () => 0) {
    const rank = this.troubleFirst ? rankOf : () => 0;
    const place = new Map(this.order.map((key, i) => [key, i]));
    const at = (key) => place.get(key) ?? place.size;
    const places = new Map([...keys].map((key) => [key, this.placeOf(key)]));
    const by = (what, a, b) => places.get(a)[what] - places.get(b)[what];
    return [...places.keys()].sort((a, b) => rank(b) - rank(a) || by("section", a, b) || at(a) - at(b) || by("order", a, b) || (a < b ? -1 : 1));
  }

  // Moves a key before another one, or to the end when that is null.
  move(key, before, keys) {
    const rest = this.sort(keys).filter((k) => k !== key);
    const at = before === null ? rest.length : rest.indexOf(before);
    rest.splice(at < 0 ? rest.length : at, 0, key);
    this.order = rest;
  }

  // Moves a key one place towards the front (-1) or the end (+1), past hidden ones.
  shift(key, by, keys) {
    const shown = this.sort(keys).filter((k) => !this.hidden.has(k));
    const to = shown.indexOf(key) + by;
    if (to < 0 || to >= shown.length) return;
    this.move(key, (by < 0 ? shown[to] : shown[to + 1]) ?? null, keys);
  }

  resize(key, size) {
    this.sizes.set(key, { width: within(size.width, MAX_WIDTH), height: within(size.height, MAX_HEIGHT) });
  }

  reset() {
    this.order = [];
    this.only = [];
    this.hidden.clear();
    this.sizes.clear();
  }
}
