// SPDX-License-Identifier: Apache-2.0
// How long items take: their average, the middle one and the slow ones, and how many still run, since when.
import { element, setText } from "../dom.js";
import { duration, measure, number } from "../format.js";
import { Count } from "./count.js";

const others = { p50: "half within", p95: "95 % within" };

const inWords = (display) => ({ ...display, format: "duration" });

export class Duration extends Count {
  static inShort({ avg }) {
    return avg === undefined ? "–" : duration(avg * 1000);
  }

  constructor(body, world) {
    super(body);
    this.world = world;
    this.others = element("div", { class: "quiet range" }, element("span"), element("span"));
    this.running = element("div", { class: "quiet" });
    body.append(this.others, this.running);
  }

  update(tile) {
    const { data, display } = tile;
    super.update({ data: { ...data, value: data.avg }, display: inWords(display) });
    Object.entries(others).forEach(([name, words], i) => {
      const { text, unit } = measure(data[name], data.unit, inWords(display));
      setText(this.others.children[i], data[name] === undefined ? "" : `${words} ${text}${unit ? ` ${unit}` : ""}`);
    });
    this.data = data;
    this.tellRunning();
  }

  describe(data) {
    return `average of ${number(data.count)} ${super.describe(data)}`.trim();
  }

  // Without the oldest's id where not all fields may be seen.
  tellRunning() {
    const { running, oldest, oldest_at } = this.data;
    const age = oldest_at ? duration(this.world.now() - Date.parse(oldest_at)) : "";
    setText(this.running, running ? `${number(running)} running, ${oldest ?? "the oldest"} for ${age}` : "none running");
  }

  tick(fresh) {
    super.tick(fresh);
    if (this.data) this.tellRunning();
  }
}
