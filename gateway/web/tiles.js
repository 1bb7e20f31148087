// SPDX-License-Identifier: Apache-2.0
// How each type of tile is drawn. A drawing is made once for a tile, and updated with each value.
import { clock, duration, number, words } from "./format.js";

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

const CALM_MS = 4000;
const shownAt = new WeakMap(); // element → when its last change was pointed out

// Sets a text only if it is another, so that nothing flickers; `calm` lets a change be seen for a moment, though not each
// one of a number that never rests.
function setText(node, text, calm = false) {
  if (node.textContent === text) return;
  const first = node.textContent === "";
  node.textContent = text;
  if (!calm || first || performance.now() - (shownAt.get(node) ?? -CALM_MS) < CALM_MS) return;
  shownAt.set(node, performance.now());
  node.classList.add("changed");
  node.addEventListener("animationend", () => node.classList.remove("changed"), { once: true });
}

// The colours of the theme as a canvas needs them.
class Inks {
  constructor(parent) {
    this.probe = element("i", { hidden: "" });
    parent.append(this.probe);
    this.known = new Map();
  }

  get(name) {
    if (!this.known.has(name)) {
      this.probe.style.color = `var(${name})`;
      this.known.set(name, getComputedStyle(this.probe).color);
    }
    return this.known.get(name);
  }
}

// What a number was while the page looked on, second by second: a faint line under it.
class History {
  constructor(body) {
    const svg = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
    this.node = svg("svg");
    this.node.setAttribute("class", "history");
    this.node.setAttribute("viewBox", "0 0 119 30");
    this.node.setAttribute("preserveAspectRatio", "none");
    this.node.setAttribute("aria-hidden", "true");
    this.line = svg("path");
    this.node.append(this.line);
    body.append(this.node);
    this.values = [];
  }

  tick(value) {
    if (typeof value !== "number" || performance.now() - this.at < 900) return;
    this.at = performance.now();
    this.values.push(value);
    this.node.classList.toggle("few", this.values.length < 12);
    if (this.values.length > 120) this.values.shift();
    const low = Math.min(...this.values);
    const span = Math.max(...this.values) - low || 1;
    const last = Math.max(1, this.values.length - 1);
    const x = (i) => ((i / last) * 119).toFixed(1);
    const y = (v) => (span === 1 && low === Math.max(...this.values) ? 29 : 29 - ((v - low) / span) * 28).toFixed(1);
    this.line.setAttribute("d", this.values.map((v, i) => `${i ? "L" : "M"}${x(i)} ${y(v)}`).join(""));
  }
}

class Count {
  constructor(body) {
    this.value = element("div", { class: "big" });
    this.note = element("div", { class: "quiet" });
    body.append(this.value, this.note);
    this.history = new History(body);
  }

  update({ data }) {
    this.now = data.value;
    setText(this.value, number(data.value), true);
    setText(this.note, data.window_ms ? `in the last ${duration(data.window_ms)}` : "");
  }

  tick() {
    this.history.tick(this.now);
  }
}

class Gauge {
  constructor(body) {
    this.value = element("span", { class: "big" });
    this.unit = element("span", { class: "unit" });
    this.fill = element("div", { class: "fill" });
    this.range = element("div", { class: "quiet range" }, element("span"), element("span"));
    body.append(element("div", {}, this.value, this.unit));
    this.history = new History(body);
    body.append(element("div", { class: "meter" }, this.fill), this.range);
  }

  tick() {
    this.history.tick(this.now);
  }

  update({ data }) {
    this.now = data.value;
    setText(this.value, number(data.value), true);
    setText(this.unit, data.unit ? ` ${data.unit}` : "");
    const span = data.max - data.min;
    this.fill.style.width = `${span > 0 ? Math.round(((data.value - data.min) / span) * 100) : 0}%`;
    setText(this.range.children[0], data.min === undefined ? "" : `min ${number(data.min)}`);
    setText(this.range.children[1], data.max === undefined ? "" : `max ${number(data.max)}`);
  }
}

// Buckets without rows are 0 where rows are counted or summed, and a gap elsewhere.
export function trendSeries(data, length, now = Date.now()) {
  const zero = data.aggregate === "count" || data.aggregate === "sum" ? 0 : null;
  const starts = Object.keys(data.points).map(Number).sort((a, b) => a - b);
  const last = Math.floor(now / data.step_ms) * data.step_ms;
  const end = starts.length ? Math.max(starts[starts.length - 1], last - data.step_ms) : last;
  const first = starts.length ? Math.min(starts[0], end - (length - 1) * data.step_ms) : end - (length - 1) * data.step_ms;
  const x = [], y = [];
  for (let t = first; t <= end; t += data.step_ms) {
    x.push(t / 1000);
    y.push(data.points[t] ?? zero);
  }
  return [x, y];
}

// The chart library is a script of the page, or fetched once from where this module is.
let library = null;
function chartLibrary() {
  library ??= globalThis.uPlot ? Promise.resolve() : new Promise((resolve, reject) => {
    const script = element("script", { src: new URL("uplot.js", import.meta.url).href });
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
  return library;
}

// Steps that an axis may have; what is counted has no halves.
const steps = [];
for (let tens = 1e-6; tens < 1e13; tens *= 10) steps.push(...[1, 2, 2.5, 5].map((n) => Number((n * tens).toPrecision(3))));
const wholeSteps = steps.filter(Number.isInteger);

class Trend {
  constructor(body) {
    this.value = element("span", { class: "big small" });
    this.note = element("span", { class: "quiet aside" });
    this.chart = element("div", { class: "chart" });
    body.append(element("div", {}, this.value, this.note), this.chart);
    this.inks = new Inks(this.chart);
    this.observer = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.observer.observe(this.chart);
    this.longest = 20;
  }

  size() {
    return { width: Math.max(120, this.chart.clientWidth), height: Math.max(80, this.chart.clientHeight) };
  }

  update({ data }) {
    this.longest = Math.max(this.longest, Object.keys(data.points).length);
    const series = trendSeries(data, this.longest);
    const values = series[1].filter((v) => v !== null);
    setText(this.value, values.length ? number(values[values.length - 1]) : "–");
    // What is summed up is not complete before the bucket's end: its last step is dashed, and said to be so.
    this.counts = data.aggregate === "count";
    const running = data.aggregate === "count" || data.aggregate === "sum";
    setText(this.note, running ? `in the current ${duration(data.step_ms)}` : "");
    const last = series[1].length - 1;
    series.push(series[1].map((v, i) => (running && i >= last - 1 ? v : null)));
    if (running && last > 0) series[1][last] = null;
    this.series = series;
    if (this.plot) this.plot.setData(series);
    else this.drawing ??= chartLibrary().then(() => this.draw(this.series), () => {});
  }

  draw(series) {
    if (this.over) return;
    const color = (name) => () => this.inks.get(name);
    const axis = { stroke: color("--quiet"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: "11px Inter, system-ui", size: 22 };
    this.plot = new uPlot({
      ...this.size(),
      legend: { show: false },
      padding: [6, 26, 0, 0],
      cursor: { y: false, points: { size: 6 } },
      scales: { y: { range: (u, min, max) => [Math.min(0, min ?? 0), (max ?? 1) * 1.1 || 1] } },
      axes: [{ ...axis, space: 80, values: (u, v) => v.map((t) => clock(t * 1000).replace(/:00$/, "")) }, { ...axis, size: 44, space: 28, incrs: () => (this.counts ? wholeSteps : steps), values: (u, v) => v.map(number) }],
      series: [{}, { stroke: color("--accent"), fill: (u) => this.fade(u), width: 2, points: { show: false }, spanGaps: false },
        { stroke: color("--accent"), width: 2, dash: [4, 4], points: { show: false } }],
      hooks: { setCursor: [(u) => this.hover(u)] },
    }, series, this.chart);
    this.tip = element("div", { class: "tip", hidden: "" });
    this.chart.append(this.tip);
  }

  // The area under the line fades out towards its foot.
  fade({ ctx, bbox }) {
    const fill = ctx.createLinearGradient(0, bbox.top, 0, bbox.top + bbox.height);
    fill.addColorStop(0, this.inks.get("--accent-strong"));
    fill.addColorStop(1, this.inks.get("--accent-faint"));
    return fill;
  }

  hover(plot) {
    const i = plot.cursor.idx;
    const value = i === null || i === undefined ? null : plot.data[1][i] ?? plot.data[2][i];
    this.tip.hidden = value === null;
    if (!this.tip.hidden) this.tip.textContent = `${clock(plot.data[0][i] * 1000)}  ${number(value)}`;
  }

  retheme() {
    this.inks.known.clear();
    this.plot?.redraw(false, true);
  }

  destroy() {
    this.over = true;
    this.observer.disconnect();
    this.plot?.destroy();
  }
}

class Backlog {
  constructor(body) {
    this.total = element("div", { class: "big" });
    this.bar = element("div", { class: "stack", role: "img" });
    this.legend = element("ul", { class: "legend" });
    this.note = element("div", { class: "quiet" });
    body.append(this.total, this.bar, this.legend, this.note);
    this.parts = new Map();
  }

  part(name) {
    if (!this.parts.has(name)) {
      const shade = `s${this.parts.size % 6}`;
      const count = element("b");
      const part = { bar: element("div", { class: shade }), count };
      this.bar.append(part.bar);
      this.legend.append(element("li", {}, element("i", { class: shade }), element("span", {}, words(name)), count));
      this.parts.set(name, part);
    }
    return this.parts.get(name);
  }

  update({ data }) {
    setText(this.total, number(data.total), true);
    for (const [name, value] of Object.entries(data.buckets)) {
      const part = this.part(name);
      part.bar.style.flexGrow = value;
      part.bar.hidden = value === 0; // else its gap would be seen
      setText(part.count, number(value));
    }
    this.bar.setAttribute("aria-label", Object.entries(data.buckets).map(([k, v]) => `${words(k)} ${v}`).join(", "));
    this.oldest = data.oldest_at;
    this.tick();
  }

  tick() {
    setText(this.note, this.oldest ? `oldest ${duration(Date.now() - Date.parse(this.oldest))}` : "empty");
  }
}

class Sla {
  constructor(body) {
    this.counts = {};
    const row = element("div", { class: "sla" });
    for (const state of ["breached", "at_risk", "ok"]) {
      this.counts[state] = element("b");
      row.append(element("div", { class: state }, this.counts[state], element("span", {}, words(state))));
    }
    this.next = element("div", { class: "next quiet" });
    this.worst = element("ul", { class: "worst" });
    body.append(row, this.next, this.worst);
    this.items = [];
  }

  update({ data }) {
    for (const state of Object.keys(this.counts)) {
      setText(this.counts[state], number(data[state]), true);
      this.counts[state].parentNode.classList.toggle("none", data[state] === 0);
    }
    this.nextAt = data.next_breach_at;
    this.worst.replaceChildren();
    this.items = data.worst.map(({ id, due_at }) => {
      const left = element("b");
      this.worst.append(element("li", {}, element("span", { class: "name" }, id), left));
      return { due: Date.parse(due_at), left };
    });
    this.tick();
  }

  tick() {
    for (const { due, left } of this.items) {
      const ms = due - Date.now();
      setText(left, ms > 0 ? `in ${duration(ms)}` : `${duration(-ms)} over`);
      left.className = ms > 0 ? "" : "over";
    }
    const next = Date.parse(this.nextAt) - Date.now();
    setText(this.next, next > 0 ? `next breach in ${duration(next)}` : "no breach ahead");
  }
}

const kinds = { count: Count, gauge: Gauge, trend: Trend, backlog: Backlog, sla_risk: Sla };

// A tile of a type that this page does not know yet: its data as it is.
class Unknown {
  constructor(body) {
    this.text = element("pre");
    body.append(this.text);
  }

  update({ data }) {
    setText(this.text, JSON.stringify(data, null, 1));
  }
}

export class Card {
  constructor(tile) {
    this.key = tile.key;
    this.title = element("button", { type: "button", class: "title" });
    this.age = element("span", { class: "age" });
    const body = element("div", { class: "body" });
    this.node = element("article", { class: `card ${tile.type}`, part: "card", "data-key": tile.key },
      element("div", { class: "card-head" }, element("h2", { part: "title" }, this.title), this.age), body);
    this.drawing = new (kinds[tile.type] ?? Unknown)(body);
    this.update(tile);
  }

  update(tile) {
    this.tile = tile;
    const group = tile.group ? ` · ${tile.group.value}` : "";
    setText(this.title, (tile.title ?? tile.key) + group);
    this.title.title = tile.key;
    this.drawing.update(tile);
    this.tick();
  }

  // Each second: what counts down, and the age of what is stale.
  tick() {
    this.drawing.tick?.();
    this.node.classList.toggle("stale", this.tile.stale);
    setText(this.age, this.tile.stale ? `stale for ${duration(Date.now() - Date.parse(this.tile.updated_at))}` : "");
  }

  retheme() {
    this.drawing.retheme?.();
  }

  destroy() {
    this.drawing.destroy?.();
    this.node.remove();
  }

  // Does it belong to the group that is looked at ({by, value}, or null for all)?
  filter(group) {
    return !group || this.tile.group?.by !== group.by || this.tile.group.value === group.value;
  }

  matches(text) {
    const { key, title, type, group } = this.tile;
    return `${key} ${title ?? ""} ${words(type)} ${group?.value ?? ""}`.toLowerCase().includes(text);
  }
}

// The members of a group_by family, as bars of one card.
export class Family {
  constructor(tile, shown = 12) {
    this.key = familyOf(tile);
    this.shown = shown;
    this.members = new Map();
    this.title = element("button", { type: "button", class: "title" });
    this.list = element("ul", { class: "bars" });
    this.age = element("span", { class: "age" });
    this.node = element("article", { class: "card family", part: "card", "data-key": this.key },
      element("div", { class: "card-head" }, element("h2", { part: "title" }, this.title), this.age), element("div", { class: "body" }, this.list));
    this.update(tile);
  }

  update(tile) {
    this.tile = tile;
    setText(this.title, tile.title ?? this.key);
    this.members.set(tile.key, tile);
    this.draw();
  }

  remove(key) {
    this.members.delete(key);
    this.draw();
    return this.members.size === 0;
  }

  draw() {
    const rows = [...this.members.values()].filter((t) => !this.group || t.group.by !== this.group.by || t.group.value === this.group.value).sort((a, b) => (b.data.value ?? 0) - (a.data.value ?? 0) || (a.key < b.key ? -1 : 1));
    const most = Math.max(1, ...rows.map((t) => t.data.value ?? 0));
    while (this.list.children.length > Math.min(rows.length, this.shown)) this.list.lastChild.remove();
    rows.slice(0, this.shown).forEach((tile, i) => {
      let row = this.list.children[i];
      if (!row) {
        row = element("li", {}, element("span", { class: "name" }), element("div", { class: "meter" }, element("div", { class: "fill" })), element("b"));
        this.list.append(row);
      }
      row.dataset.key = tile.key;
      row.classList.toggle("stale", tile.stale);
      setText(row.children[0], tile.group.value);
      row.children[1].firstChild.style.width = `${Math.round(((tile.data.value ?? 0) / most) * 100)}%`;
      setText(row.children[2], number(tile.data.value), true);
    });
    this.more = rows.length - this.shown;
    this.tick();
  }

  // A family is stale when all of it is: since its newest member was refreshed.
  tick() {
    const members = [...this.members.values()];
    const stale = members.length !== 0 && members.every((t) => t.stale);
    this.node.classList.toggle("stale", stale);
    const age = () => duration(Date.now() - Math.max(...members.map((t) => Date.parse(t.updated_at))));
    setText(this.age, stale ? `stale for ${age()}` : this.more > 0 ? `${this.more} more` : "");
  }

  retheme() {}

  destroy() {
    this.node.remove();
  }

  filter(group) {
    this.group = group;
    this.draw();
    return this.list.children.length !== 0;
  }

  matches(text) {
    return [...this.members.values()].some((t) => `${t.key} ${t.title ?? ""}`.toLowerCase().includes(text));
  }
}

// Members that are single numbers share a card; others are better seen each for itself.
export function familyOf(tile) {
  return tile.group && (tile.type === "count" || tile.type === "gauge") ? tile.key.split("/")[0] : null;
}
