// What the gateway says, kept current: tiles and events over EventSource, with polling while there is no stream.
//
//   connecting ─ open ─► connected ─ error ─► reconnecting ─ an attempt fails ─► disconnected (polling every 5 s)
//                            ▲                     │                                  │
//                            └────── open, then a full refresh ◄──────────────────────┘
//
// Attempts follow after 1 s, 2 s, 4 s … at most 30 s, each with a little jitter, and at once when the browser says that the
// network is back or the page is looked at again.

const BACKOFF_FIRST_MS = 1000;
const BACKOFF_MAX_MS = 30000;
const POLL_MS = 5000;
const SILENT_MS = 40000; // heartbeats come every 15 s: an open stream that is silent for longer is dead

export function backoffMs(failures, random = Math.random()) {
  return Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures) * (0.9 + 0.1 * random);
}

// One EventSource that is opened again and again. `path` gives its URL, for the last id is part of it.
class Source {
  constructor(path, types, handlers) {
    this.path = path;
    this.types = types;
    this.handlers = handlers;
    this.lastId = "";
  }

  open() {
    this.close();
    const source = new EventSource(this.path(this.lastId));
    this.source = source;
    source.onopen = () => this.handlers.onOpen();
    source.onerror = () => {
      this.close();
      this.handlers.onError();
    };
    const take = (event) => {
      if (event.lastEventId) this.lastId = event.lastEventId;
      this.handlers.onMessage(event.type, JSON.parse(event.data));
    };
    for (const type of this.types) source.addEventListener(type, take);
  }

  close() {
    if (this.source) {
      this.source.onopen = this.source.onerror = null;
      this.source.close();
      this.source = null;
    }
  }
}

export class Feed {
  // handlers: onTiles(list, whole), onExpired(key), onEvents(list, whole), onStatus(status), onAsOf(heartbeat)
  constructor(handlers, base = "") {
    this.handlers = handlers;
    this.base = base;
    this.status = "connecting";
    this.failures = 0;
    this.open = new Set();
    const shared = (name) => ({
      onOpen: () => this.opened(name),
      onError: () => this.failed(),
      onMessage: (type, data) => this.message(name, type, data),
    });
    this.tiles = new Source((id) => `${base}/api/tiles/stream${id ? `?lastEventId=${encodeURIComponent(id)}` : ""}`,
      ["tile", "expired", "reset", "heartbeat"], shared("tiles"));
    // event=message: EventSource hears only names that it was told, and types of events are not known beforehand.
    this.events = new Source((id) => `${base}/api/events/stream?event=message${id ? `&lastEventId=${encodeURIComponent(id)}` : ""}`,
      ["message", "reset", "heartbeat"], shared("events"));
    this.heardAt = Date.now();
  }

  start() {
    addEventListener("online", () => this.tryNow());
    document.addEventListener("visibilitychange", () => !document.hidden && this.tryNow());
    setInterval(() => this.checkSilence(), 5000);
    this.connect();
    this.refresh().catch(() => {});
  }

  // ---- Streams ----

  connect() {
    clearTimeout(this.timer);
    this.timer = null;
    this.open.clear();
    this.tiles.open();
    this.events.open();
  }

  opened(name) {
    this.open.add(name);
    this.heardAt = Date.now();
    if (this.open.size < 2) return;
    const again = this.failures > 0 || this.status === "reconnecting";
    this.failures = 0;
    this.stopPolling();
    this.setStatus("connected");
    if (again) this.refresh().catch(() => {});
  }

  failed() {
    if (this.timer) return; // the other stream has seen it already
    this.tiles.close();
    this.events.close();
    this.open.clear();
    this.setStatus(this.failures === 0 ? "reconnecting" : "disconnected");
    if (this.failures > 0) this.startPolling();
    this.timer = setTimeout(() => this.connect(), backoffMs(this.failures));
    this.failures++;
  }

  tryNow() {
    if (this.timer) this.connect();
  }

  checkSilence() {
    if (this.status === "connected" && Date.now() - this.heardAt > SILENT_MS) this.failed();
  }

  message(name, type, data) {
    this.heardAt = Date.now();
    if (type === "heartbeat") {
      this.handlers.onAsOf(data);
    } else if (type === "reset") {
      this.refresh().catch(() => {});
    } else if (name === "events") {
      this.handlers.onEvents([data], false);
    } else if (type === "tile") {
      this.handlers.onTiles([data], false);
    } else if (type === "expired") {
      this.handlers.onExpired(data.key);
    }
  }

  setStatus(status) {
    if (status !== this.status) {
      this.status = status;
      this.handlers.onStatus(status);
    }
  }

  // ---- Polling ----

  startPolling() {
    if (this.poller) return;
    this.poller = setInterval(() => this.refresh().catch(() => {}), POLL_MS);
    this.refresh().catch(() => {});
  }

  stopPolling() {
    clearInterval(this.poller);
    this.poller = null;
  }

  async get(path) {
    // "no-cache" asks with If-None-Match: what has not changed costs a 304.
    const answer = await fetch(this.base + path, { cache: "no-cache", headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer.json();
  }

  // Everything anew. Rejects when the gateway does not answer.
  async refresh() {
    const [tiles, events] = await Promise.all([this.get("/api/tiles"), this.get("/api/events?limit=100")]);
    this.handlers.onTiles(tiles.tiles, true);
    this.handlers.onEvents(events.events.reverse(), true);
  }
}
