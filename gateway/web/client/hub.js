// SPDX-License-Identifier: Apache-2.0
// What a page knows of one gateway, shared by all who connect to it in that page, and by all pages of the browser: one page
// leads and holds the connection (a Link), the others hear from it over a BroadcastChannel.
import { GatewayClock } from "./clock.js";
import { asMessage, fromMessage } from "./problem.js";
import { elect } from "./election.js";
import { Events } from "./events.js";
import { Link } from "./link.js";
import { Tiles } from "./tiles.js";

const EVENTS_KEPT = 200;
const OVERDUE_MS = 25000; // Then a heartbeat is 10 s late.
const HEARD_MS = 1000; // Other pages are told at most so often that something was heard.

export const browserEnv = () => ({
  EventSource: globalThis.EventSource,
  WebSocket: globalThis.WebSocket,
  fetch: (...a) => fetch(...a),
  setTimeout: (...a) => setTimeout(...a),
  clearTimeout: (t) => clearTimeout(t),
  setInterval: (...a) => setInterval(...a),
  clearInterval: (t) => clearInterval(t),
  now: () => Date.now(),
  random: () => Math.random(),
});

// A gateway takes no selection that is larger.
const MOST_KEYS = 256;
const MOST_BYTES = 4096;

// Puts selections together. null selects all keys, and so does what a gateway would not take: each client looks through what
// comes by itself.
export function unite(wants) {
  const all = wants.some((w) => w.keys === null);
  const keys = all ? null : [...new Set(wants.flatMap((w) => w.keys))].sort();
  const fits = all || (keys.length <= MOST_KEYS && encodeURIComponent(keys.join(",")).length <= MOST_BYTES);
  return { keys: fits ? keys : null, events: wants.some((w) => w.events) };
}

export class Hub {
  constructor({ base, share = true, env = browserEnv(), ...linkOptions }) {
    Object.assign(this, { base, env, linkOptions });
    this.id = Math.random().toString(36).slice(2);
    this.clients = new Set();
    this.others = new Map(); // led page → what it wants
    this.status = "connecting";
    this.transport = null;
    this.signInUrl = undefined;
    this.clock = new GatewayClock(env);
    this.asOf = null; // the time for which the gateway's data is, in ms since 1970 by its clock
    this.heardAt = null; // when something came from the gateway, by our clock
    this.saidAt = -Infinity; // when the other pages were told so
    this.forget();
    this.shared = share && typeof BroadcastChannel === "function";
    this.asked = new Map();
  }

  forget() {
    this.tiles = new Tiles();
    this.events = new Events(EVENTS_KEPT);
  }

  // ---- Clients of this page ----

  add(client) {
    this.clients.add(client);
    if (this.clients.size === 1) this.begin();
    else this.wantsChanged();
  }

  delete(client) {
    this.clients.delete(client);
    if (this.clients.size === 0) this.end();
    else this.wantsChanged();
  }

  want() {
    return unite([...this.clients].map((c) => c.want));
  }

  begin() {
    this.onTry = () => !globalThis.document?.hidden && this.tryNow(); // This also checks a connection that seems open.
    this.onHide = () => this.leave();
    this.onShow = (event) => event.persisted && this.enter();
    globalThis.addEventListener?.("online", this.onTry);
    globalThis.document?.addEventListener("visibilitychange", this.onTry);
    globalThis.addEventListener?.("pagehide", this.onHide);
    globalThis.addEventListener?.("pageshow", this.onShow);
    // A page that the browser freezes can lead nobody.
    this.onThaw = () => this.enter();
    globalThis.document?.addEventListener("freeze", this.onHide);
    globalThis.document?.addEventListener("resume", this.onThaw);
    this.enter();
  }

  end() {
    globalThis.removeEventListener?.("online", this.onTry);
    globalThis.document?.removeEventListener("visibilitychange", this.onTry);
    globalThis.removeEventListener?.("pagehide", this.onHide);
    globalThis.removeEventListener?.("pageshow", this.onShow);
    globalThis.document?.removeEventListener("freeze", this.onHide);
    globalThis.document?.removeEventListener("resume", this.onThaw);
    this.leave();
    this.forget();
  }

  enter() {
    if (this.link || this.channel) return;
    if (!this.shared) {
      this.lead();
      return;
    }
    const name = `tilewire ${this.base}`;
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = ({ data }) => this.take(data);
    this.say("join", { want: this.want() });
    this.election = elect({ name, id: this.id, channel: this.channel, onLead: () => this.lead(), onResign: () => this.resign() });
  }

  leave() {
    this.say("leave");
    this.resign();
    this.election?.leave();
    this.channel?.close();
    this.channel = this.election = null;
  }

  lead() {
    if (this.link) return;
    this.others.clear();
    this.link = new Link({ base: this.base, env: this.env, sink: this, ...this.linkOptions });
    this.link.start(this.want());
    this.say("lead");
  }

  resign() {
    this.link?.stop();
    this.link = null;
  }

  wantsChanged() {
    if (this.link) this.link.setWant(unite([this.want(), ...this.others.values()]));
    else this.say("join", { want: this.want() });
  }

  tryNow() {
    if (this.link) this.link.tryNow();
    else this.say("try");
  }

  // Resolves when all has been fetched anew, here or by the leader.
  refresh() {
    if (this.link) return this.link.refresh();
    return new Promise((resolve, reject) => {
      const n = Math.random().toString(36);
      const timer = this.env.setTimeout(() => this.refreshed(n, "no answer"), 10000);
      this.asked.set(n, { resolve, reject, timer });
      this.say("refresh", { n });
    });
  }

  refreshed(n, error) {
    const waiting = this.asked.get(n);
    if (!waiting) return;
    this.asked.delete(n);
    this.env.clearTimeout(waiting.timer);
    if (error) waiting.reject(new Error(error));
    else waiting.resolve();
  }

  // ---- Between pages ----

  say(type, more = {}) {
    this.channel?.postMessage({ type, from: this.id, ...more });
  }

  take(message) {
    if (message.to && message.to !== this.id) return;
    if (message.type.startsWith("election-")) this.election.take(message);
    else if (this.link) this.takeAsLeader(message);
    else this.takeAsLed(message);
  }

  takeAsLeader({ type, from, want, n }) {
    if (type === "join") {
      this.others.set(from, want);
      this.wantsChanged();
      const { heardAt, asOf, clock } = this;
      this.say("state", { to: from, tiles: [...this.tiles.byKey.values()], events: this.events.newest(), known: { heardAt, asOf, skewMs: clock.skewMs }, ...this.standing() });
    } else if (type === "leave") {
      if (this.others.delete(from)) this.wantsChanged();
    } else if (type === "try") {
      this.link.tryNow();
    } else if (type === "refresh") {
      this.link.refresh().then(() => this.say("refreshed", { to: from, n }), (e) => this.say("refreshed", { to: from, n, error: e.message }));
    }
  }

  takeAsLed(message) {
    const { type } = message;
    if (["tiles", "expired", "event", "beat", "heard"].includes(type)) this.heardAt = this.env.now();
    if (type === "lead") this.say("join", { want: this.want() });
    else if (type === "tiles") this.showTiles(message.tiles.filter((t) => this.tiles.put(t)), message.whole, message.gone);
    else if (type === "expired") this.expired(message.key);
    else if (type === "event") this.event(message.event);
    else if (type === "status") this.setStatus(message.status, message.transport, message.signInUrl);
    else if (type === "beat") this.heartbeat(message.beat);
    else if (type === "failed") this.failed(fromMessage(message.error));
    else if (type === "refreshed") this.refreshed(message.n, message.error);
    else if (type === "state" || type === "events") {
      if (message.tiles) {
        const { tiles, gone } = this.tiles.takeList(message.tiles);
        const { heardAt, asOf, skewMs } = message.known ?? {};
        this.heardAt = heardAt ?? this.heardAt;
        this.asOf = asOf ?? this.asOf;
        if (!this.clock.skews.length) this.clock.about = skewMs ?? 0;
        this.showTiles(tiles, true, gone);
        this.setStatus(message.status, message.transport, message.signInUrl);
      }
      this.events.expectList();
      this.showEvents(this.events.takeList(message.events));
    }
  }

  // ---- What the Link says (its sink), or the leader ----

  tile(tile) {
    if (this.tiles.put(tile)) this.showTiles([tile], false);
  }

  patch(message) {
    const tile = this.tiles.patch(message);
    if (tile) this.showTiles([tile], false);
    return tile !== undefined;
  }

  expired(key) {
    if (!this.tiles.expire(key)) return;
    if (this.link) this.say("expired", { key });
    for (const client of this.clients) client.expired(key);
  }

  // Something has come from the gateway, be it that nothing is new.
  heard() {
    this.heardAt = this.env.now();
    if (this.heardAt - this.saidAt < HEARD_MS) return;
    this.saidAt = this.heardAt;
    this.say("heard");
  }

  // For how long nothing has come that should have: heartbeats come every 15 s while there is a stream.
  silentMs() {
    if (this.heardAt === null) return 0;
    const ms = this.env.now() - this.heardAt;
    return (this.status === "connected" || this.status === "stale") && ms < OVERDUE_MS ? 0 : Math.max(0, ms);
  }

  event(event) {
    if (!this.events.put(event)) return;
    if (this.link) this.say("event", { event });
    const fresh = this.events.tell(event) ? [event] : [];
    for (const client of this.clients) client.events([event], fresh);
  }

  dated(ms) {
    this.clock.tellAbout(ms);
  }

  expectTiles() {
    this.tiles.expectList();
  }

  takeTiles(list) {
    const { tiles, gone } = this.tiles.takeList(list);
    this.showTiles(tiles, true, gone);
  }

  // Behind which event a stream goes on: the last one that this page has, even if it heard it from a leader. "0" when there
  // are no events, "" when that is not known.
  lastEventId() {
    return this.events.resumeAfter();
  }

  expectEvents() {
    this.events.expectList();
  }

  takeEvents(list) {
    const change = this.events.takeList(list);
    if (change.fresh.length || change.reset) this.say("events", { events: this.events.newest() });
    this.showEvents(change);
  }

  heartbeat(heartbeat) {
    this.clock.tell(Date.parse(heartbeat.now));
    if (heartbeat.as_of) this.asOf = Date.parse(heartbeat.as_of);
    if (this.link) this.say("beat", { beat: heartbeat });
    for (const client of this.clients) client.heartbeat(heartbeat);
  }

  // A request has failed.
  failed(error) {
    if (this.link) this.say("failed", { error: asMessage(error) });
    for (const client of this.clients) client.failed(error);
  }

  setStatus(status, transport, signInUrl) {
    Object.assign(this, { status, transport, signInUrl });
    if (this.link) this.say("status", this.standing());
    for (const client of this.clients) client.status(this.standing());
  }

  standing() {
    return { status: this.status, transport: this.transport, signInUrl: this.signInUrl };
  }

  showTiles(tiles, whole, gone = []) {
    if (this.link) this.say("tiles", { tiles, whole, gone });
    else for (const key of gone) this.tiles.expire(key);
    for (const client of this.clients) {
      for (const key of gone) client.expired(key);
      client.tiles(tiles, whole);
    }
  }

  showEvents({ fresh, reset }) {
    if (fresh.length === 0 && !reset) return;
    const untold = fresh.filter((event) => this.events.tell(event));
    const all = reset ? this.events.newest() : fresh;
    for (const client of this.clients) client.events(all, untold, reset);
  }
}
