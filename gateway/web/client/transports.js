// SPDX-License-Identifier: Apache-2.0
// The ways to hear of changes. Each is opened once and ends once:
//
//   new Transport(link).open()   then   link.heard(transport) when it works, link.message(channel, type, data, id) for each
//   message, and link.ended(transport, supported) when it failed; close() ends it without a word.
//
// link gives what they need of the world: env (EventSource, WebSocket, fetch, timers), url(path, parameters), want
// ({keys, events}), cursor (of the tiles), sink and form.

const OPEN_MS = 10000; // how long an attempt may take until it is open
const WORD_MS = 20000; // how long one that would take over may be silent before its first message; heartbeats come every 15 s
const WAIT_S = 20;
const REFUSAL_MS = 100; // A refusal comes right behind the head of the answer.

const asked = (keys) => (keys ? { keys: keys.join(",") } : {});

// What all transports have in common. An attempt that says nothing for too long has failed.
class Transport {
  constructor(link) {
    this.link = link;
    this.ways = []; // what carries the messages: one for tiles, and one for events if somebody wants them
    this.over = false;
    this.spoke = false; // True once a message has come, so nothing on the way holds them back.
  }

  startClock(ms = OPEN_MS) {
    this.link.env.clearTimeout(this.timer);
    this.timer = this.link.env.setTimeout(() => this.fail(true), ms);
  }

  // Opens the way of events where the list of them ends: one that came after the list was made and before the way was
  // open would be missed. The first list is on its way, if there was none yet.
  openEvents(open) {
    const { link } = this;
    if (!link.want.events) return;
    if (link.sink.lastEventId()) open(link.sink.lastEventId());
    else link.refresh().then(() => this.over || this.openEvents(open), () => this.fail(true));
  }

  isOpen() {
    return this.ways.length === (this.link.want.events ? 2 : 1) && this.ways.every((way) => way.opened);
  }

  // Is called when the transport is open. It carries from now on, unless another does and this one has yet to prove itself.
  works() {
    if (this.over || this.working || !this.isOpen()) return;
    if (this.link.heard(this)) {
      this.working = true;
      this.link.env.clearTimeout(this.timer);
    } else {
      this.startClock(WORD_MS);
    }
  }

  say(channel, type, data, id = "") {
    if (this.over) return;
    this.spoke = true;
    this.works();
    this.link.message(channel, type, data, id);
  }

  // Parses the text of a message. What is none did not come from a gateway, and what comes after it is not to be trusted.
  parsed(text, take) {
    let data;
    try {
      data = JSON.parse(text);
    } catch {
      this.fail(true);
      return;
    }
    take(data);
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
  static needs = "fetch"; // of which an EventSource can be made

  open() {
    const { link } = this;
    this.startClock();
    this.listen("tiles", link.url("/api/tiles/stream", { ...asked(link.want.keys), form: link.form, lastEventId: link.cursor }),
      ["tile", "patch", "expired", "reset", "heartbeat", "expired-token"]);
    // An EventSource hears only names that it was told, and the types of events are not known beforehand; so the gateway is
    // asked to name them all `message`.
    this.openEvents((lastEventId) => {
      this.listen("events", link.url("/api/events/stream", { event: "message", lastEventId }), ["message", "reset", "heartbeat", "expired-token"]);
    });
  }

  listen(channel, url, types) {
    const source = this.link.access.eventSource(url);
    this.ways.push(source);
    // A gateway tells an EventSource that it has no room by a stream with one event, `refused`, which ends.
    source.onopen = () => {
      this.link.env.setTimeout(() => this.opened(source), REFUSAL_MS);
    };
    source.addEventListener("refused", () => this.fail(true));
    source.onerror = () => this.fail(true);
    const take = (event) => {
      source.opened = true;
      this.parsed(event.data, (data) => this.say(channel, event.type, data, event.lastEventId));
    };
    for (const type of types) source.addEventListener(type, take);
  }

  opened(source) {
    source.opened = true;
    this.works();
  }

  shut() {
    for (const source of this.ways) {
      source.onopen = source.onerror = null;
      source.close();
    }
  }
}

// The same messages over WebSockets: one carries either tiles or events, so there are two if events are wanted.
export class Socket extends Transport {
  static name = "websocket";
  static needs = "WebSocket";

  open() {
    const { link } = this;
    this.startClock();
    const subscription = { subscribe: link.want.keys ?? ["*"], form: link.form, ...(link.cursor ? { cursor: link.cursor } : {}) };
    this.dial(subscription, ({ event, id, ...message }) => this.say("tiles", event, message, id));
    this.openEvents((cursor) => {
      this.dial({ subscribe: ["*"], stream: "events", cursor },
        ({ event, ...message }) => this.say("events", "event_type" in message ? "message" : event, message));
    });
  }

  dial(subscription, take) {
    const socket = new this.link.env.WebSocket(this.link.url("/api/ws").replace(/^http/, "ws"), "tilewire.v1");
    this.ways.push(socket);
    socket.onopen = () => {
      socket.opened = true;
      socket.send(JSON.stringify(subscription));
      this.works();
    };
    socket.onmessage = ({ data }) => this.parsed(data, take);
    socket.onclose = () => this.fail(socket.opened === true);
    socket.onerror = () => {};
  }

  shut() {
    for (const socket of this.ways) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }
}

// Requests that the gateway answers when there is something new. It says `Preference-Applied: wait=…` if it can do so;
// without that, asking again at once would be a storm, and plain polling is better.
export class LongPoll extends Transport {
  static name = "long-poll";
  static needs = "fetch";

  open() {
    this.abort = new AbortController();
    this.startClock();
    this.run(() => this.listing("tiles", "/api/tiles", asked(this.link.want.keys)));
    if (this.link.want.events) this.run(() => (this.knowsEvent() ? this.following() : this.listing("events", "/api/events", { limit: 100 })));
  }

  // An id is text: as a number it could be that of another event.
  knowsEvent() {
    return !["", "0"].includes(this.link.sink.lastEventId());
  }

  // Asks as `next()` says, a function of what to ask and how to take the answer, again and again.
  async run(next) {
    const loop = { etag: null, proven: false };
    try {
      while (!this.over) {
        const { path, parameters, take, waits } = next();
        const tag = waits === undefined ? loop.etag : null;
        const wait = waits ?? tag !== null;
        const answer = await this.link.access.fetch(this.link.url(path, { ...parameters, wait: wait ? `${loop.proven ? WAIT_S : 1}s` : "" }), {
          cache: "no-store", signal: this.abort.signal, headers: tag === null ? {} : { "If-None-Match": tag },
        });
        if (this.over) return;
        const lost = waits && answer.status === 404; // The event that it asks behind is not kept any more.
        if (answer.status !== 304 && !answer.ok && !lost) {
          this.fail(true);
          return;
        }
        loop.etag = answer.headers.get("ETag");
        const cannotWait = wait ? !lost && !answer.headers.get("Preference-Applied") : loop.etag === null;
        if (cannotWait) {
          this.fail(false);
          return;
        }
        const body = answer.ok && answer.status !== 304 ? await answer.json() : null;
        if (this.over) return;
        if (wait && !lost) {
          loop.proven = this.spoke = true;
          this.works();
        }
        await take(body);
      }
    } catch {
      this.fail(true);
    }
  }

  // Asks for a whole list, which is answered whenever it has changed.
  listing(channel, path, parameters) {
    return {
      path, parameters,
      take: (body) => {
        this.link.message(channel, "alive", {}, "");
        if (body) this.link.list(channel, channel === "tiles" ? body.tiles : body.events.reverse());
      },
    };
  }

  // Asks for what came after the last event that is known.
  following() {
    return {
      path: "/api/events", parameters: { after: this.link.sink.lastEventId(), limit: 1000 }, waits: true,
      take: async (body) => {
        this.link.message("events", "alive", {}, "");
        if (body) {
          for (const event of body.events) this.link.message("events", "message", event, "");
        } else {
          // Without a pause, gateways that differ would be asked in a circle.
          await new Promise((done) => this.link.env.setTimeout(done, 1000));
          await this.link.refreshEvents();
        }
      },
    };
  }

  isOpen() {
    return true;
  }

  shut() {
    this.abort.abort();
  }
}

export const transports = { sse: Sse, websocket: Socket, "long-poll": LongPoll };
