// SPDX-License-Identifier: Apache-2.0
// <live-tile key="orders.open"></live-tile>: a tile of a gateway in any page.
//
//   key    the tile's key; a family's key shows its members as bars
//   src    the gateway; where this script came from, if left out
//   theme  light | dark; the browser's preference, if left out
//
// It is styled through custom properties (--tilewire-accent, --tilewire-background, --tilewire-text, --tilewire-line,
// --tilewire-radius, --tilewire-font) and ::part(card | title). The attribute `state` tells how it stands: loading, live,
// stale, offline, missing, denied (the gateway wants to know who asks, or does not show the tile to them).
import { connect } from "./client/index.js";
import { element } from "./dom.js";
import { World } from "./world.js";
import { Card, Family, familyOf } from "./tiles.js";

const home = new URL("..", import.meta.url);

class LiveTile extends HTMLElement {
  static observedAttributes = ["key", "src", "theme"];

  connectedCallback() {
    if (!this.shadowRoot) {
      this.attachShadow({ mode: "open" });
      const sheet = (name) => element("link", { rel: "stylesheet", href: new URL(name, import.meta.url).href });
      this.place = element("div", { class: "place" });
      this.shadowRoot.append(sheet("uplot.css"), sheet("tile.css"), this.place);
    }
    this.begin();
  }

  disconnectedCallback() {
    this.end();
  }

  attributeChangedCallback(name) {
    if (!this.live) return;
    if (name === "theme") this.card?.retheme();
    else this.begin();
  }

  begin() {
    this.end();
    const key = this.getAttribute("key");
    if (!key) return;
    this.setAttribute("state", "loading");
    this.world = new World();
    this.live = connect({
      url: new URL(this.getAttribute("src") ?? home, document.baseURI).origin,
      keys: [key, `${key}/*`],
      onTile: (tile) => this.show(tile),
      onTiles: (tiles, { whole }) => whole && !this.card && this.missing(),
      onExpired: (expired) => this.expired(expired),
      onStatus: (status) => {
        this.online = status === "connected" || status === "polling" || status === "stale";
        this.denied = status === "signed-out" || status === "forbidden";
        if (!this.card && this.denied) this.setAttribute("state", "denied");
        this.tick();
      },
    });
    this.world.connection = this.live;
    this.online = true;
    this.timer = setInterval(() => this.tick(), 1000);
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
    if (tile.key !== this.getAttribute("key") && familyOf(tile) !== this.getAttribute("key")) return;
    if (this.card && (this.card instanceof Family || this.card.tile.type === tile.type)) {
      this.card.update(tile);
    } else {
      this.clear();
      this.card = familyOf(tile) && tile.key !== this.getAttribute("key") ? new Family(tile, this.world) : new Card(tile, this.world);
      this.place.append(this.card.node);
    }
    this.tick();
    this.dispatchEvent(new CustomEvent("tile", { detail: tile }));
  }

  // Is called when the list has come and the tile was not in it.
  missing() {
    queueMicrotask(() => {
      if (this.card || !this.live || this.denied) return; // A list that was refused lacks every tile.
      this.place.replaceChildren(element("article", { class: "card", part: "card" }, element("p", { class: "quiet" }, `There is no tile ${this.getAttribute("key")}.`)));
      this.setAttribute("state", "missing");
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

customElements.define("live-tile", LiveTile);
