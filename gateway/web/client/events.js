// SPDX-License-Identifier: Apache-2.0
// The newest events, each once, in the order in which they were delivered; at most `limit` of them.
export class Events {
  constructor(limit) {
    this.limit = limit;
    this.list = []; // oldest first
    this.ids = new Map(); // id → timestamp
    this.seen = new Map(); // id → timestamp of the newest that were ever told: a gateway that is behind may tell them again
    this.since = null; // the events that came while a list is on its way; null when none is
    this.listed = false; // True once a list has come.
    this.last = null; // the event that came last, as it came: also one that was known, and came again in another order
  }

  // What the gateway is handed back to go on behind the last event. An id alone does not say in which order its event was seen, when it came in two.
  resumeAfter() {
    const { id, redelivered } = this.last ?? { id: this.listed ? 0 : "" };
    return redelivered === undefined ? String(id) : `${id}~${redelivered}`;
  }

  // Adds an event. Returns false when it is listed already.
  put(event) {
    if (this.isOther(event)) this.forget();
    this.last = event;
    if (this.ids.has(event.id)) return false;
    this.since?.push(event);
    this.append(event);
    return true;
  }

  // Notes that an event is told. Returns false when it was told before.
  tell(event) {
    if (this.seen.has(event.id)) return false;
    this.seen.set(event.id, event.timestamp);
    if (this.seen.size > this.limit * 5) this.seen.delete(this.seen.keys().next().value);
    return true;
  }

  // True when the same id is known with another time: the table began anew, and what is known belongs to the old one.
  isOther({ id, timestamp }) {
    return [this.ids, this.seen].some((known) => known.has(id) && known.get(id) !== timestamp);
  }

  forget() {
    this.list = [];
    this.ids.clear();
    this.seen.clear();
    this.lastBefore = undefined;
    this.last = null;
    if (this.since) this.since = [];
  }

  append(event) {
    this.ids.set(event.id, event.timestamp);
    this.list.push(event);
    if (this.list.length >= this.limit * 2) this.trim();
  }

  // Drops the oldest, now and then rather than at each event, because shifting a list is work.
  trim() {
    for (const event of this.list.splice(0, this.list.length - this.limit)) this.ids.delete(event.id);
  }

  newest() {
    return this.list.slice(-this.limit);
  }

  expectList() {
    this.since = [];
    this.lastBefore = this.list.at(-1)?.id;
  }

  // Takes the newest events (oldest first) as the gateway lists them. Returns those that were not known (fresh), and
  // whether they belong anywhere but behind all others, so that the whole list is to be shown anew (reset).
  takeList(list) {
    this.listed = true;
    if (list.some((event) => this.isOther(event))) this.forget();
    const since = this.since ?? [];
    this.since = null;
    this.last = since.at(-1) ?? list.at(-1) ?? null;
    const at = this.lastBefore === undefined ? -1 : list.findIndex((event) => event.id === this.lastBefore);
    const listed = new Set(list.map((event) => event.id));
    const fresh = list.slice(at + 1).filter((event) => !this.ids.has(event.id));
    if (at >= 0 || list.length === 0) {
      if (fresh.length === 0 && (at >= 0 || this.list.length === since.length)) return { fresh, reset: false };
      if (at >= 0 && since.length === 0) {
        fresh.forEach((event) => this.append(event));
        return { fresh, reset: false };
      }
    }
    // This is the first list, or one with a gap before it, or one that belongs before some of what came meanwhile.
    const before = at >= 0 ? this.list.slice(0, this.list.findIndex((event) => event.id === this.lastBefore) + 1) : [];
    const known = new Set(before.map((event) => event.id));
    this.list = [...before, ...list.filter((event) => !known.has(event.id)), ...since.filter((event) => !listed.has(event.id))];
    this.ids = new Map(this.list.map((event) => [event.id, event.timestamp]));
    if (this.list.length > this.limit) this.trim();
    return { fresh, reset: true };
  }
}
