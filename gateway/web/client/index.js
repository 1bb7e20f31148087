// SPDX-License-Identifier: Apache-2.0
// The package tilewire-client: const tiles = connect({ url, keys, onTile, onEvent, onStatus })
import { browserEnv, Hub } from "./hub.js";
import { keyMatcher } from "./tiles.js";

export { backoffMs } from "./backoff.js";
export { compareVersions, keyMatcher, mergePatch } from "./tiles.js";

const hubs = new Map(); // gateway → the Hub of this page

const numbers = new WeakMap(); // a function, class or object that a client was given → its number
let lastNumber = 0;

// What a handler throws is the page's own affair: it keeps neither the other handlers from being called, nor the connection.
function report(error) {
  if (globalThis.reportError) globalThis.reportError(error);
  else console.error(error);
}

class Client {
  constructor(hub, options) {
    this.hub = hub;
    this.on = options;
    this.wantsEvents = Boolean(options.onEvent || options.onEvents);
    this.setKeys(options.keys ?? null);
    this.closed = false;
  }

  setKeys(keys) {
    this.want = { keys, events: this.wantsEvents };
    this.matches = keyMatcher(keys);
  }

  tell(handler, ...told) {
    try {
      this.on[handler]?.(...told);
    } catch (error) {
      report(error);
    }
  }

  tiles(tiles, whole) {
    const mine = tiles.filter((tile) => this.matches(tile.key));
    if (mine.length || whole) this.tell("onTiles", mine, { whole });
    for (const tile of mine) this.tell("onTile", tile);
  }

  expired(key) {
    if (this.matches(key)) this.tell("onExpired", key);
  }

  // Events that are to be shown, with `reset` instead of all before, and those among them that were never told before.
  events(shown, fresh, reset = false) {
    if (!this.wantsEvents) return;
    this.tell("onEvents", shown, { reset });
    for (const event of fresh) this.tell("onEvent", event);
  }

  status({ status, transport, signInUrl }) {
    this.tell("onStatus", status, { transport, signInUrl });
  }

  heartbeat(heartbeat) {
    this.tell("onHeartbeat", heartbeat);
  }

  failed(error) {
    this.tell("onError", error);
  }
}

// A number for each thing that clients were given: those who were given the same share a connection.
function numberOf(given) {
  if (!given) return 0;
  if (!numbers.has(given)) numbers.set(given, ++lastNumber);
  return numbers.get(given);
}

// Outside of a browser there are no tabs to share a connection with.
const hasTabs = () => (globalThis.document ?? globalThis.WorkerGlobalScope) !== undefined;

// What the environment has, but for what the client is to take instead.
function envWith(instead) {
  return Object.assign(browserEnv(), Object.fromEntries(Object.entries(instead).filter(([, v]) => v)));
}

export function connect({ url = globalThis.location?.origin ?? "", keys = null, token = null, credentials = false, headers = null,
  EventSource, WebSocket, fetch, share = !token && !headers && hasTabs(), transports, ...handlers } = {}) {
  const base = url.replace(/\/+$/, "");
  const name = [base, share, transports ?? "", credentials, ...[token, headers, EventSource, WebSocket, fetch].map(numberOf)].join(" ");
  if (!hubs.has(name)) {
    const env = envWith({ EventSource, WebSocket, fetch });
    hubs.set(name, new Hub({ base, share, env, token, credentials, headers, ...(transports ? { order: transports } : {}) }));
  }
  const hub = hubs.get(name);
  const client = new Client(hub, { keys, ...handlers });
  const first = hub.clients.size > 0;
  hub.add(client);
  // A client that comes later hears what is known at once, after this call has returned.
  if (first) {
    queueMicrotask(() => {
      if (client.closed) return;
      client.status(hub.standing());
      client.tiles([...hub.tiles.byKey.values()], true);
      const known = hub.events.newest();
      if (known.length) client.events(known, known, true);
    });
  }
  return {
    get status() { return hub.status; },
    get transport() { return hub.transport; },
    get asOf() { return hub.asOf; },
    get silentMs() { return hub.silentMs(); },
    now: () => hub.clock.now(),
    get: (key) => (client.matches(key) ? hub.tiles.byKey.get(key) : undefined),
    list: () => [...hub.tiles.byKey.values()].filter((tile) => client.matches(tile.key)),
    events: () => hub.events.newest(),
    refresh: () => hub.refresh(),
    setKeys(next) {
      client.setKeys(next ?? null);
      hub.wantsChanged();
    },
    close() {
      if (client.closed) return;
      client.closed = true;
      hub.delete(client);
      if (hub.clients.size === 0) hubs.delete(name);
    },
  };
}
