// SPDX-License-Identifier: Apache-2.0
// Events that are marks on the lines of trends, such as deploys: those that the gateway still has, and those that come.
import { keyMatcher } from "./client/tiles.js";

const KEPT = 100; // of each pattern

export class Marks {
  // list(types) fetches the newest events of these types, oldest first; changed() is called when there is another mark.
  constructor(list, changed) {
    Object.assign(this, { list, changed });
    this.patterns = new Map(); // pattern of event types → what it matches, and the events by their ids
  }

  // The events that a pattern stands for, as far as they are known: {at, text}, oldest first.
  of(pattern) {
    if (!this.patterns.has(pattern)) this.want(pattern);
    return this.patterns.get(pattern).marks;
  }

  async want(pattern) {
    this.patterns.set(pattern, { matches: keyMatcher([pattern]), ids: new Set(), marks: [] });
    this.add(await this.list(pattern).catch(() => []));
  }

  add(events) {
    let another = false;
    for (const { matches, ids, marks } of this.patterns.values()) {
      const fresh = events.filter((event) => matches(event.event_type) && !ids.has(event.id));
      if (fresh.length === 0) continue;
      another = true;
      for (const event of fresh) {
        ids.add(event.id);
        marks.push({ id: event.id, at: Date.parse(event.timestamp), text: event.summary ?? event.target_id ?? event.event_type });
      }
      marks.sort((a, b) => a.at - b.at);
      for (const { id } of marks.splice(0, Math.max(0, marks.length - KEPT))) ids.delete(id);
    }
    if (another) this.changed();
  }
}
