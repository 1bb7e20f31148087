// Ways to hear of changes. Each is opened once and ends once:
//   new Transport(link).open()   then   link.heard(transport) when it works, link.message(channel, type, data, id) for each
//   message, and link.ended(transport, supported) when it failed; close() ends it without a word.
//
// link gives what they need of the world: env (EventSource, WebSocket, fetch, timers), url(path, parameters), want
// ({keys, events}), cursor (of the tiles), sink and form.

const OPEN_MS = 10000; // as long as an attempt may take until its first sign of life
const WAIT_S = 20;

const asked = (keys) => (keys ? { keys: keys.join(",") } : {});

// Common to all: an attempt that says nothing for too long has failed.
class Transport {
  constructor(link) {
    this.link = link;
    this.over = false;
  }

  startClock() {
    this.timer = this.link.env.setTimeout(() => this.fail(true), OPEN_MS);
  }

  works() {
    this.link.env.clearTimeout(this.timer);
    if (this.over || this.working) return;
    this.working = true;
    this.link.heard(this);
  }

  fail(supported) {
    if (this.over) return;
    this.close();
    this.link.ended(this, supported);
  }

  close() {
    this.over = true;
    this.link.env.clearTimeout(this.timer);
    this.shut();
  }
}

// Server-sent events: one EventSource for tiles, one for events if somebody wants them.
export class Sse extends Transport {
  static name = "sse";

  open() {
    const { link } = this;
    this.sources = [];
    this.startClock();
    this.listen("tiles", link.url("/api/tiles/stream", { ...asked(link.want.keys), form: link.form, lastEventId: link.cursor }),
      ["tile", "patch", "expired", "reset", "heartbeat"]);
    // event=message: EventSource hears only names that it was told, and the types of events are not known beforehand.
    if (link.want.events) {
      this.listen("events", link.url("/api/events/stream", { event: "message", lastEventId: link.sink.lastEventId() }), ["message", "reset", "heartbeat"]);
    }
  }

  listen(channel, url, types) {
    const source = new this.link.env.EventSource(url);
    this.sources.push(source);
    source.onopen = () => {
      source.opened = true;
      if (this.sources.every((s) => s.opened)) this.works();
    };
    source.onerror = () => this.fail(true);
    const take = (event) => this.link.message(channel, event.type, JSON.parse(event.data), event.lastEventId);
    for (const type of types) source.addEventListener(type, take);
  }

  shut() {
    for (const source of this.sources) {
      source.onopen = source.onerror = null;
      source.close();
    }
  }
}

// The same messages over a WebSocket. Events, if wanted, come by one EventSource beside it: the socket carries tiles.
export class Socket extends Transport {
  static name = "websocket";

  open() {
    const { link } = this;
    this.startClock();
    this.socket = new link.env.WebSocket(link.url("/api/ws").replace(/^http/, "ws"), "tilewire.v1");
    this.socket.onopen = () => {
      const { keys } = link.want;
      this.opened = true;
      this.socket.send(JSON.stringify({ subscribe: keys ?? ["*"], form: link.form, ...(link.cursor ? { cursor: link.cursor } : {}) }));
      this.works();
      if (link.want.events) this.poller = new EventPoller(link);
    };
    this.socket.onmessage = ({ data }) => {
      const { event, id, ...message } = JSON.parse(data);
      link.message("tiles", event, message, id ?? message.cursor ?? "");
    };
    this.socket.onclose = () => this.fail(this.opened === true);
    this.socket.onerror = () => {};
  }

  shut() {
    this.poller?.stop();
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
  }
}

// Requests that the gateway answers when there is something new. It says `Preference-Applied: wait=…` if it can do so;
// without that, asking again at once would be a storm, and plain polling is better.
export class LongPoll extends Transport {
  static name = "long-poll";

  open() {
    this.abort = new AbortController();
    this.startClock();
    this.run("/api/tiles", (body) => this.link.list("tiles", body.tiles));
    if (this.link.want.events) this.run("/api/events", (body) => this.link.list("events", [...body.events].reverse()), { limit: 100 });
  }

  async run(path, take, parameters = {}) {
    const { link } = this;
    let etag = null;
    let proven = false;
    try {
      while (!this.over) {
        const url = link.url(path, { ...(path === "/api/tiles" ? asked(link.want.keys) : {}), ...parameters, wait: etag === null ? "" : `${proven ? WAIT_S : 1}s` });
        const answer = await link.env.fetch(url, { cache: "no-store", signal: this.abort.signal, headers: etag === null ? {} : { "If-None-Match": etag } });
        if (this.over) return;
        if (answer.status !== 304 && !answer.ok) return this.fail(true);
        if (etag !== null && !answer.headers.get("Preference-Applied")) return this.fail(false);
        proven = etag !== null;
        if (proven) this.works();
        etag = answer.headers.get("ETag") ?? etag;
        if (answer.status !== 304) take(await answer.json());
        link.message(path === "/api/tiles" ? "tiles" : "events", "alive", {}, "");
        if (etag === null) return this.fail(false);
      }
    } catch {
      this.fail(true);
    }
  }

  shut() {
    this.abort.abort();
  }
}

// Events where there is no stream of them: asks every two seconds for what came after the last one.
class EventPoller {
  constructor(link) {
    this.link = link;
    this.timer = link.env.setInterval(() => link.refreshEvents().catch(() => {}), 2000);
  }

  stop() {
    this.link.env.clearInterval(this.timer);
  }
}

export const transports = { sse: Sse, websocket: Socket, "long-poll": LongPoll };
