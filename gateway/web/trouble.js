// SPDX-License-Identifier: Apache-2.0
// What needs attention: a ribbon under the header, the page's title and icon with the count, and a sound if one wants it.
import { element, setText } from "./dom.js";
import { duration, measure, words } from "./format.js";
import { remembered } from "./memory.js";
import { drawingOf } from "./types.js";

const RANKS = { warn: 1, critical: 2 };
const LISTED = 4; // so many are named in the ribbon
const CLOCK_MS = 2000; // so far the gateway's clock may be from what we take it for
const SOUND = "tilewire.sound"; // where the browser keeps whether it is wanted

// How bad a tile's status is: 0 if it is well or has none.
export const rankOf = (tile) => RANKS[tile.status] ?? 0;

// Returns the worst of some tiles, of equally bad ones the first.
export const worstOf = (tiles) => tiles.reduce((worst, tile) => (rankOf(tile) > rankOf(worst) ? tile : worst));

// Puts what is wrong with a tile into words, as far as its figures tell: "12 breached".
function figureOf({ type, data, display = {} }) {
  const said = drawingOf(type).inShort?.(data);
  if (said !== undefined) return said;
  if (typeof data.value !== "number") return "";
  const { text, unit } = measure(data.value, data.unit ?? display.unit, display);
  return unit ? `${text} ${unit}` : text;
}

const nameOf = (tile) => (tile.title ?? tile.key) + (tile.group ? ` · ${tile.group.value}` : "");

export class Trouble {
  // go(tile) is called when somebody chooses one of the ribbon.
  constructor({ ribbon, news, icon, sound, world, go }) {
    Object.assign(this, { ribbon, news, icon, sound, world });
    this.title = document.title;
    this.home = icon.getAttribute("href");
    this.known = new Map(); // key → rank, of those that were in trouble before
    this.opened = performance.now();
    this.tiles = [];
    this.count = element("b");
    this.list = element("ul");
    this.more = element("span");
    ribbon.prepend(this.count, this.list, this.more);
    this.list.addEventListener("click", (event) => {
      const key = event.target.closest("button")?.dataset.tile;
      const tile = this.tiles.find((one) => one.key === key);
      if (tile) go(tile);
    });
    this.hears(remembered(SOUND) === "on");
    sound.addEventListener("click", () => {
      this.hears(sound.getAttribute("aria-pressed") !== "true");
      remembered(SOUND, this.wanted ? "on" : "off");
      if (this.wanted) this.ring();
    });
  }

  hears(wanted) {
    this.wanted = wanted;
    this.sound.setAttribute("aria-pressed", wanted);
  }

  // True when a tile that has come may change what needs attention.
  concerns(tile) {
    return rankOf(tile) > 0 || this.known.has(tile.key);
  }

  // Shows which of all tiles need attention. Returns true when these are others than before, or worse or better.
  update(tiles) {
    this.tiles = tiles.filter((tile) => rankOf(tile) > 0)
      .sort((a, b) => rankOf(b) - rankOf(a) || Date.parse(a.status_since) - Date.parse(b.status_since) || (a.key < b.key ? -1 : 1));
    const ranks = new Map(this.tiles.map((tile) => [tile.key, rankOf(tile)]));
    const worse = this.tiles.filter((tile) => rankOf(tile) > (this.known.get(tile.key) ?? 0));
    const changed = worse.length !== 0 || [...this.known].some(([key, rank]) => ranks.get(key) !== rank);
    const before = this.known;
    this.known = ranks;
    if (changed) this.tell(worse, before);
    this.tick();
    return changed;
  }

  // before: `known` of then.
  tell(worse, before) {
    const count = this.tiles.length;
    const critical = this.tiles.some((tile) => rankOf(tile) === RANKS.critical);
    document.title = count ? `(${count}) ${this.title}` : this.title;
    this.icon.href = count ? badge(count, critical) : this.home;
    this.ribbon.hidden = count === 0;
    this.ribbon.className = critical ? "critical" : "warn";
    setText(this.count, count === 1 ? "1 needs attention" : `${count} need attention`);
    if (worse.length === 0) return;
    this.news.textContent = worse.slice(0, LISTED).map((tile) => `${nameOf(tile)} is ${tile.status === "warn" ? "a warning" : tile.status}`).join(", ");
    // What was so before one came is no new breach. The gateway's clock is known but for what a heartbeat took.
    const isNew = (tile) => before.has(tile.key) || this.world.now() - Date.parse(tile.status_since) + CLOCK_MS < performance.now() - this.opened;
    if (this.wanted && worse.some((tile) => rankOf(tile) === RANKS.critical && isNew(tile))) this.ring();
  }

  // Called each second: figures and times go on.
  tick() {
    const shown = this.tiles.slice(0, LISTED);
    while (this.list.children.length > shown.length) this.list.lastChild.remove();
    shown.forEach((tile, i) => {
      if (!this.list.children[i]) this.list.append(element("li", {}, element("button", { type: "button" })));
      const button = this.list.children[i].firstChild;
      const figure = figureOf(tile);
      button.dataset.tile = tile.key;
      setText(button, `${nameOf(tile)}${figure ? `: ${figure}` : ""}, ${words(tile.status)} for ${duration(this.world.now() - Date.parse(tile.status_since))}`);
    });
    setText(this.more, this.tiles.length > LISTED ? `and ${this.tiles.length - LISTED} more` : "");
  }

  // Two tones that fall. A browser that has not been touched yet plays none.
  ring() {
    try {
      this.audio ??= new AudioContext();
      this.audio.resume().catch(() => {});
      const at = this.audio.currentTime;
      for (const [i, hertz] of [880, 660].entries()) {
        const tone = this.audio.createOscillator();
        const volume = this.audio.createGain();
        tone.frequency.value = hertz;
        volume.gain.setValueAtTime(0.2, at + i * 0.2);
        volume.gain.exponentialRampToValueAtTime(0.001, at + i * 0.2 + 0.3);
        tone.connect(volume).connect(this.audio.destination);
        tone.start(at + i * 0.2);
        tone.stop(at + i * 0.2 + 0.3);
      }
      this.rung = (this.rung ?? 0) + 1;
      this.sound.dataset.rung = this.rung;
    } catch {
      // There is no sound here.
    }
  }
}

// An icon with a number on it.
function badge(count, critical) {
  const text = count > 99 ? "99+" : String(count);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="${critical ? "#b3261e" : "#8a5a00"}"/>`
    + `<text x="16" y="23" font-family="sans-serif" font-weight="700" font-size="${text.length > 2 ? 14 : 20}" text-anchor="middle" fill="#fff">${text}</text></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
