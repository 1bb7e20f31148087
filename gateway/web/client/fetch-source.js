// SPDX-License-Identifier: Apache-2.0
// What the client needs of an EventSource, made of fetch, which can send a token and other headers, and which is also there
// where no EventSource is (Node before 22 with its flag, Deno's workers). It does not reconnect.

// Takes a stream of server-sent events apart: feed(text) as it comes; tells each event as dispatch({type, data, lastEventId}).
export class EventParser {
  constructor(dispatch) {
    this.dispatch = dispatch;
    this.rest = "";
    this.lastEventId = "";
    this.begin();
  }

  begin() {
    this.type = "";
    this.data = [];
  }

  feed(text) {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop();
    for (const line of lines) this.line(line.replace(/\r$/, ""));
  }

  line(line) {
    if (line === "") {
      if (this.data.length) this.dispatch({ type: this.type || "message", data: this.data.join("\n"), lastEventId: this.lastEventId });
      this.begin();
      return;
    }
    const [, field, value] = line.match(/^([^:]*)(?:: ?(.*))?$/s);
    if (field === "data") this.data.push(value ?? "");
    else if (field === "event") this.type = value ?? "";
    else if (field === "id" && !value?.includes("\0")) this.lastEventId = value ?? "";
  }
}

export class FetchSource {
  constructor(url, access) {
    this.listeners = {};
    this.abort = new AbortController();
    this.run(url, access);
  }

  addEventListener(type, listener) {
    this.listeners[type] = listener;
  }

  close() {
    this.closed = true;
    this.abort.abort();
  }

  async run(url, access) {
    try {
      const answer = await access.fetch(url, { cache: "no-store", signal: this.abort.signal, headers: { Accept: "text/event-stream" } });
      if (answer.ok && !this.closed) await this.read(answer.body.getReader());
    } catch {
      // It is over, as it is when the gateway ends it.
    }
    if (!this.closed) this.onerror?.();
  }

  async read(reader) {
    const decoder = new TextDecoder();
    const parser = new EventParser((event) => this.closed || this.listeners[event.type]?.(event));
    this.onopen?.();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.closed) return;
      parser.feed(decoder.decode(value, { stream: true }));
    }
  }
}
