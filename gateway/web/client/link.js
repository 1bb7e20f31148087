// SPDX-License-Identifier: Apache-2.0
// The way to one gateway: keeps the best transport that works, polls while there is none, and says honestly how it stands.
//
//   connecting ─ heard ─► connected ─ lost ─► reconnecting ─ an attempt fails ─► polling │ disconnected (no answer at all)
//                             ▲                    │                                 │
//                             └──── heard, then a full refresh ◄─────────────────────┘
//
// A gateway that answers, but not to us, makes it "signed-out" (401) or "forbidden" (403) until it lets us in.
//
// Each attempt begins with server-sent events. Where the gateway answers polls but streams fail again and again, the
// other transports are tried after them; while one of those carries, the better ones are tried beside it each minute. One
// that is tried beside another takes over with its first message, not before: opening proves nothing behind a proxy.
import { Access } from "./access.js";
import { backoffMs } from "./backoff.js";
import { fault, refusal } from "./problem.js";
import { transports } from "./transports.js";

const POLL_MS = 5000;
const ANSWER_MS = 15000; // A request without an answer for so long has failed,
const BODY_MS = 60000; // and so has one whose answer is not whole after this.
const CHECK_MS = 5000;
const SILENT_MS = 40000; // without any message; heartbeats come every 15 s
const UNPROVEN_MS = 20000; // A stream that has opened and said nothing for so long is held back by something on the way.
const LAGGING_MS = 10000; // The gateway sends a heartbeat as soon as its data is so late.
const CLIMB_MS = 60000;
const UNSUPPORTED_MS = 60000; // After so long another gateway may answer, which supports more.
const FAILURES_BEFORE_OTHERS = 2;

export class Link {
  // The sink takes what comes: tile(tile), patch(patch) → false when the base is not held, expired(key), event(event),
  // heard() when anything has come, dated(ms) what time an answer says it is, lastEventId(), expectTiles(), takeTiles(list), expectEvents(), takeEvents(list oldest first),
  // setStatus(status, transport, signInUrl), heartbeat(heartbeat), failed(error).
  constructor({ base, env, sink, order = ["sse", "websocket", "long-poll"], form = "patch", eventLimit = 100, token, credentials, headers }) {
    Object.assign(this, { base, env, sink, order, form, eventLimit });
    this.access = new Access({ env, token, credentials, headers });
    // A page cannot give a WebSocket headers.
    const can = (name) => env[transports[name].needs] && !(name === "websocket" && this.access.usesHeaders);
    this.order = order.filter(can);
    if (this.order.length === 0) this.order = ["long-poll"]; // It needs nothing but fetch.
    this.want = { keys: null, events: false };
    this.cursor = ""; // where the stream of tiles goes on; for events the sink knows it
    this.failures = 0;
    this.unsupported = new Map(); // transport → when it turned out that the gateway does not support it
    this.refetching = new Set();
    this.status = "connecting";
  }

  start(want) {
    this.want = want;
    this.checker = this.env.setInterval(() => this.check(), CHECK_MS);
    this.attempt();
    this.refresh().catch(() => {});
  }

  stop() {
    this.stopped = true;
    this.env.clearInterval(this.checker);
    this.env.clearTimeout(this.timer);
    this.stopPolling();
    this.current?.close();
    this.beside?.close();
    this.current = this.beside = null;
  }

  // Changes which tiles are wanted from now on, and whether events are.
  setWant(want) {
    if (JSON.stringify(want) === JSON.stringify(this.want)) return;
    this.want = want;
    this.cursor = ""; // A cursor holds for the selection that it was given for.
    this.beside?.close();
    this.beside = null;
    if (!this.timer) this.attempt(); // If one is planned, that will ask for it.
    this.refreshAgain();
  }

  url(path, parameters = {}) {
    const query = Object.entries(parameters).filter(([, v]) => v !== undefined && v !== "").map(([k, v]) => `${k}=${encodeURIComponent(v)}`);
    return this.base + path + (query.length ? `?${query.join("&")}` : "");
  }

  // ---- Attempts ----

  attempt(name = this.order[0]) {
    this.env.clearTimeout(this.timer);
    this.timer = null;
    this.current?.close();
    this.proven = false;
    this.current = new transports[name](this);
    this.current.open();
  }

  // Tries at once, without waiting for the backoff: the network may be back.
  tryNow() {
    if (this.timer) this.attempt();
    else this.check();
  }

  // Is told that a transport works. Returns true when it carries from now on.
  heard(transport) {
    if (transport === this.beside && !transport.spoke) return false;
    this.heardAt = this.env.now();
    if (transport === this.beside) {
      this.current?.close();
      this.current = transport;
      this.env.clearTimeout(this.timer);
      this.timer = null;
    } else if (transport === this.current) {
      this.beside?.close();
    } else {
      return true;
    }
    this.beside = null;
    if (transport.constructor.name === this.order[0]) this.unsupported.clear(); // The next gateway may support more.
    const again = this.status !== "connecting";
    this.denied = false;
    this.stopPolling();
    this.setStatus("connected");
    this.climbAt = this.env.now() + CLIMB_MS;
    this.prove();
    if (again) this.refresh().catch(() => {});
    return true;
  }

  ended(transport, supported) {
    if (!supported) this.unsupported.set(transport.constructor.name, this.env.now());
    const next = this.nextAfter(transport.constructor.name);
    if (transport === this.beside) {
      this.beside = null;
      this.climbAt = this.env.now() + CLIMB_MS;
      if (next && (!this.isCarried() || this.order.indexOf(next) < this.order.indexOf(this.current.constructor.name))) this.tryBeside(next);
      return;
    }
    if (this.stopped || transport !== this.current) return;
    this.lost();
    if (next && this.failures > FAILURES_BEFORE_OTHERS && !this.beside) this.tryBeside(next);
  }

  // Takes the next transport when streams fail though the gateway answers.
  nextAfter(name) {
    const works = (n) => this.env[transports[n].needs] && !(this.env.now() - this.unsupported.get(n) < UNSUPPORTED_MS);
    return this.answers ? this.order.slice(this.order.indexOf(name) + 1).find(works) : undefined;
  }

  tryBeside(name) {
    this.beside = new transports[name](this);
    this.beside.open();
  }

  lost() {
    this.current = null;
    if (this.failures === 0 && !this.denied) {
      this.setStatus("reconnecting");
    } else {
      this.startPolling();
    }
    this.timer = this.env.setTimeout(() => this.attempt(), backoffMs(this.failures, this.env.random()));
    this.failures++;
  }

  // Is called each few seconds: finds out whether an open connection is dead, whether the gateway is behind, and whether a
  // better transport can be tried.
  check() {
    if (!this.isCarried() || this.timer) return;
    const now = this.env.now();
    if (now - this.heardAt > (this.proven ? SILENT_MS : UNPROVEN_MS)) {
      // Behind something that holds streams back the next attempts would end alike, so the other transports have a try.
      if (!this.proven) this.failures = Math.max(this.failures, FAILURES_BEFORE_OTHERS);
      const { current } = this;
      this.setStatus("reconnecting");
      current.fail(true);
    } else if (now >= this.climbAt && !this.beside && this.current.constructor.name !== this.order[0]) {
      this.tryBeside(this.order[0]);
    }
  }

  isCarried() {
    return this.status === "connected" || this.status === "stale";
  }

  setStatus(status) {
    const transport = this.isCarried.call({ status }) ? this.current.constructor.name : null;
    if (status === this.status && transport === this.transport) return;
    this.status = status;
    this.transport = transport;
    this.sink.setStatus(status, transport, this.signInUrl);
  }

  // A connection that opens and breaks before its first word must not begin the backoff anew each time.
  prove() {
    if (this.proven && this.isCarried()) this.failures = 0;
  }

  // ---- What comes ----

  message(channel, type, data, id) {
    this.heardAt = this.env.now();
    this.sink.heard();
    this.proven = true;
    this.prove();
    if (id && channel === "tiles") this.cursor = id;
    if (type === "tile") this.sink.tile(data);
    else if (type === "patch") this.takePatch(data);
    else if (type === "expired") this.sink.expired(data.key);
    else if (type === "message") this.sink.event(data);
    else if (type === "heartbeat") this.heartbeat(data);
    else if (type === "expired-token") this.renew();
    else if (type === "reset") {
      if (channel === "tiles") this.cursor = "";
      this.refreshAgain();
    }
  }

  // The token has expired, and the stream with it: goes on with a new one, by the cursor. The list tells at once when the
  // gateway does not let us in any more.
  renew() {
    this.access.forget();
    if (!this.timer && this.current) this.attempt(this.current.constructor.name);
    this.refreshAgain();
  }

  // A patch that does not fit what is known of its tile is made up for by asking for the whole tile.
  takePatch(data) {
    if (!this.sink.patch(data)) this.refetch(data.key);
  }

  heartbeat(data) {
    if (this.isCarried()) this.setStatus((data.lag_ms ?? 0) > LAGGING_MS ? "stale" : "connected");
    this.sink.heartbeat(data);
  }

  // Takes a list that a transport brought by itself.
  list(channel, list) {
    if (channel === "tiles") {
      this.sink.expectTiles();
      this.sink.takeTiles(list);
    } else {
      this.sink.expectEvents();
      this.sink.takeEvents(list);
    }
  }

  // ---- Asking ----

  startPolling() {
    if (this.poller) return;
    const poll = () => this.refresh().catch(() => {});
    this.poller = this.env.setInterval(poll, POLL_MS);
    poll();
  }

  stopPolling() {
    this.env.clearInterval(this.poller);
    this.poller = null;
  }

  async get(path) {
    const abort = new AbortController();
    const limit = (ms) => this.env.setTimeout(() => abort.abort(new Error("no answer")), ms);
    let timer = limit(ANSWER_MS);
    try {
      // "no-cache" asks with If-None-Match: what has not changed costs a 304.
      const answer = await this.access.fetch(path, { cache: "no-cache", headers: { Accept: "application/json" }, signal: abort.signal });
      this.env.clearTimeout(timer);
      timer = limit(BODY_MS);
      this.sink.dated(Date.parse(answer.headers.get("Date")));
      if (!answer.ok) throw await refusal(path, answer);
      return await answer.json();
    } catch (error) {
      throw fault(path, error);
    } finally {
      this.env.clearTimeout(timer);
    }
  }

  // Asks for everything anew. Rejects when the gateway does not answer; two calls that overlap are one.
  refresh() {
    this.refreshing ??= this.refreshAll().finally(() => { this.refreshing = null; });
    return this.refreshing;
  }

  // Asks once more after what is on its way, which may have been made before that happened for which this is called.
  refreshAgain() {
    const before = this.refreshing ?? Promise.resolve();
    before.catch(() => {}).then(() => this.refresh()).catch(() => {});
  }

  async refreshAll() {
    try {
      await Promise.all([this.refreshTiles(), this.want.events ? this.refreshEvents() : null]);
      this.answered(true);
    } catch (error) {
      if (error.status === 401 || error.status === 403) this.deny(error);
      else this.answered(false);
      if (!this.stopped) this.sink.failed(error);
      throw error;
    }
  }

  // The gateway answers, but not to us. A stream that carries is still allowed to.
  deny({ status, signInUrl }) {
    this.answers = false;
    if (this.proven && this.isCarried()) return;
    this.denied = true;
    this.signInUrl = signInUrl;
    this.setStatus(status === 401 ? "signed-out" : "forbidden");
  }

  async refreshTiles() {
    this.sink.expectTiles();
    const { tiles } = await this.get(this.url("/api/tiles", this.want.keys ? { keys: this.want.keys.join(",") } : {}));
    if (!this.stopped) this.sink.takeTiles(tiles);
  }

  async refreshEvents() {
    this.sink.expectEvents();
    try {
      const { events } = await this.get(this.url("/api/events", { limit: this.eventLimit }));
      if (!this.stopped) this.sink.takeEvents(events.reverse());
    } catch (error) {
      if (error.status !== 403) throw error;
      // Who may see tiles, but no events, gets the tiles.
      this.want = { ...this.want, events: false };
      if (this.current?.ways.length) this.current.works(); // It may have waited for the events alone.
    }
  }

  answered(yes) {
    const back = yes && this.answers === false;
    this.answers = yes;
    this.denied = this.denied && !yes;
    if (yes) this.sink.heard();
    if (this.poller) this.setStatus(yes ? "polling" : "disconnected");
    if (back && this.timer) this.attempt(); // It is back, so why wait?
  }

  // Asks for one tile whose patch could not be applied.
  async refetch(key) {
    if (this.refetching.has(key)) return;
    this.refetching.add(key);
    try {
      this.sink.tile(await this.get(this.url(`/api/tiles/${encodeURIComponent(key)}`)));
    } catch {
      // The tile has gone, or the connection has: both are told by other means.
    } finally {
      this.refetching.delete(key);
    }
  }
}
