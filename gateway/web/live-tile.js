// SPDX-License-Identifier: Apache-2.0
// <live-tile tile="orders.open"></live-tile>: a tile of a gateway in any page.
//
//   tile   the tile's key; a family's key shows its members as bars. `key` is another word for it, which React, Vue and Preact
//          keep for themselves
//   src    the gateway; where this script came from, if left out
//   theme  light | dark; the browser's preference, if left out
//
// All three are properties, too. It is styled through custom properties (--tilewire-accent, --tilewire-background,
// --tilewire-text, --tilewire-line, --tilewire-radius, --tilewire-font) and ::part(card | title). The attribute `state` tells how
// it stands: loading, live, stale, offline, missing, denied (the gateway wants to know who asks, or does not show the tile to
// them), invalid (`src` is no address).
import { connect } from "./client/index.js";
import { element } from "./dom.js";
import { World } from "./world.js";
import { Card, Family, familyOf } from "./tiles.js";

const home = new URL("..", import.meta.url);

// A gateway's address, with the path under which it may stand behind a proxy; null when it is none.
function addressOf(src) {
  try {
    const { protocol, origin, pathname } = new URL(src ?? home, document.baseURI);
    return /^https?:$/.test(protocol) ? origin + pathname.replace(/\/+$/, "") : null;
  } catch {
    return null;
  }
}

const SHEETS = ["uplot.css", "tile.css"];
let sheets = null; // a promise of them, for all elements

async function sheetOf(name) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name} is not served`);
  return new CSSStyleSheet().replace(await answer.text());
}

const reasons = {
  "signed-out": "Sign in to see this tile.", forbidden: "You may not see this tile.", "too-many": "The gateway has too many requests from here.",
  unavailable: "The gateway cannot serve yet.", refused: "The gateway does not answer as one.", network: "No answer",
};

class LiveTile extends HTMLElement {
  static observedAttributes = ["key", "tile", "src", "theme"];

  connectedCallback() {
    if (!this.shadowRoot) {
      this.attachShadow({ mode: "open" });
      this.place = element("div", { class: "place" });
      this.shadowRoot.append(this.place);
      this.dress();
    }
    for (const name of properties) this.adopt(name);
    this.follow();
  }

  // Puts on the style sheets. As objects of a script no policy of the page forbids them; links are for where that does not work.
  async dress() {
    this.place.style.visibility = "hidden";
    try {
      sheets ??= Promise.all(SHEETS.map(sheetOf));
      this.shadowRoot.adoptedStyleSheets = await sheets;
    } catch {
      sheets = null;
      this.shadowRoot.prepend(...SHEETS.map((name) => element("link", { rel: "stylesheet", href: new URL(name, import.meta.url).href })));
    }
    this.place.style.visibility = "";
  }

  disconnectedCallback() {
    this.end();
  }

  // A page may have set a property before this script came.
  adopt(name) {
    if (!Object.hasOwn(this, name)) return;
    const value = this[name];
    delete this[name];
    this[name] = value;
  }

  attributeChangedCallback(name, before, after) {
    if (before === after || !this.isConnected || !this.place) return;
    if (name === "theme") this.card?.retheme();
    else this.follow();
  }

  // Begins anew with what the attributes say. Several are often set one after the other.
  follow() {
    if (this.changing) return;
    this.changing = true;
    queueMicrotask(() => {
      this.changing = false;
      if (this.isConnected) this.begin();
    });
  }

  get wanted() {
    return this.getAttribute("tile") || this.getAttribute("key");
  }

  begin() {
    this.end();
    const key = this.wanted;
    if (!key) {
      this.removeAttribute("state");
      return;
    }
    const url = addressOf(this.getAttribute("src"));
    if (!url) {
      this.say("invalid", `“${this.getAttribute("src")}” is no address of a gateway.`);
      return;
    }
    this.setAttribute("state", "loading");
    this.world = new World();
    this.why = "network";
    this.online = true;
    this.denied = false;
    this.live = connect({
      url,
      keys: [key, `${key}/*`],
      onTile: (tile) => this.show(tile),
      onTiles: (tiles, { whole }) => whole && !this.card && this.missing(),
      onExpired: (expired) => this.expired(expired),
      onError: ({ kind }) => {
        this.why = kind;
        this.explain();
      },
      onStatus: (status) => {
        this.online = status === "connected" || status === "polling" || status === "stale";
        this.denied = status === "signed-out" || status === "forbidden";
        if (status !== "connecting") this.explain();
        this.tick();
      },
    });
    this.world.connection = this.live;
    this.timer = setInterval(() => this.tick(), 1000);
  }

  // Says why there is no tile to show.
  explain() {
    if (this.card || this.online || !this.live || (!this.denied && this.getAttribute("state") === "missing")) return;
    const reason = reasons[this.why] ?? reasons.network;
    this.say(this.denied ? "denied" : "offline", this.why === "network" ? `${reason} from ${addressOf(this.getAttribute("src"))}.` : reason);
  }

  // Shows a sentence instead of a tile.
  say(state, text) {
    this.clear();
    this.place.append(element("article", { class: "card", part: "card" }, element("p", { class: "quiet" }, text)));
    this.setAttribute("state", state);
  }

  end() {
    clearInterval(this.timer);
    this.live?.close();
    this.live = null;
    this.clear();
  }

  clear() {
    this.card?.destroy();
    this.card = null;
    this.place?.replaceChildren();
  }

  show(tile) {
    if (tile.key !== this.wanted && familyOf(tile) !== this.wanted) return;
    if (this.card && (this.card instanceof Family || this.card.tile.type === tile.type)) {
      this.card.update(tile);
    } else {
      this.clear();
      this.card = familyOf(tile) && tile.key !== this.wanted ? new Family(tile, this.world) : new Card(tile, this.world);
      this.place.append(this.card.node);
    }
    this.tick();
    this.dispatchEvent(new CustomEvent("tile", { detail: tile }));
  }

  // Is called when the list has come and the tile was not in it.
  missing() {
    queueMicrotask(() => {
      if (this.card || !this.live || this.denied) return; // A list that was refused lacks every tile.
      this.say("missing", `There is no tile ${this.wanted}.`);
    });
  }

  expired(key) {
    if (!this.card || (this.card instanceof Family && !this.card.remove(key))) return;
    this.clear();
    this.missing();
  }

  tick() {
    if (!this.card) return;
    this.card.tick();
    const stale = this.card.node.classList.contains("stale");
    this.card.node.classList.toggle("offline", !this.online);
    this.setAttribute("state", !this.online ? "offline" : stale ? "stale" : "live");
  }
}

// An attribute of each name is a property, too.
const properties = ["tile", "src", "theme"];
for (const name of properties) {
  Object.defineProperty(LiveTile.prototype, name, {
    configurable: true, enumerable: true,
    get() { return this.getAttribute(name) ?? ""; },
    set(value) {
      if (value === null || value === undefined || value === "") this.removeAttribute(name);
      else this.setAttribute(name, value);
    },
  });
}

customElements.define("live-tile", LiveTile);
