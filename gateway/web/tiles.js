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

// Sets a text only if it is another, so that nothing flickers; `calm` lets a change be seen for a moment.
function setText(node, text, calm = false) {
  if (node.textContent === text) return;
  const first = node.textContent === "";
  node.textContent = text;
  if (calm && !first) {
    node.classList.remove("changed");
    void node.offsetWidth;
    node.classList.add("changed");
  }
}

class Count {
  constructor(body) {
    this.value = element("div", { class: "big" });
    this.note = element("div", { class: "quiet" });
    body.append(this.value, this.note);
  }

  update({ data }) {
    setText(this.value, number(data.value), true);
    setText(this.note, data.window_ms ? `in the last ${duration(data.window_ms)}` : "");
  }
}

class Gauge {
  constructor(body) {
    this.value = element("span", { class: "big" });
    this.unit = element("span", { class: "unit" });
    this.fill = element("div", { class: "fill" });
    this.range = element("div", { class: "quiet range" }, element("span"), element("span"));
    body.append(element("div", {}, this.value, this.unit), element("div", { class: "meter" }, this.fill), this.range);
  }

  update({ data }) {
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

class Trend {
  constructor(body) {
    this.value = element("div", { class: "big small" });
    this.chart = element("div", { class: "chart" });
    body.append(this.value, this.chart);
    this.observer = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.observer.observe(this.chart);
    this.longest = 20;
  }

  size() {
    return { width: Math.max(120, this.chart.clientWidth), height: 110 };
  }

  update({ data }) {
    this.longest = Math.max(this.longest, Object.keys(data.points).length);
    const series = trendSeries(data, this.longest);
    const values = series[1].filter((v) => v !== null);
    setText(this.value, values.length ? number(values[values.length - 1]) : "–");
    if (this.plot) this.plot.setData(series);
    else this.draw(series);
  }

  draw(series) {
    const color = (name) => () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const axis = { stroke: color("--quiet"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui", size: 22 };
    this.plot = new uPlot({
      ...this.size(),
      legend: { show: false },
      padding: [6, 8, 0, 0],
      cursor: { y: false, points: { size: 6 } },
      scales: { y: { range: (u, min, max) => [Math.min(0, min ?? 0), (max ?? 1) * 1.1 || 1] } },
      axes: [{ ...axis, space: 80, values: (u, v) => v.map((t) => clock(t * 1000).replace(/:00$/, "")) }, { ...axis, size: 44, space: 28, values: (u, v) => v.map(number) }],
      series: [{}, { stroke: color("--accent"), fill: color("--accent-soft"), width: 2, points: { show: false }, spanGaps: false }],
      hooks: { setCursor: [(u) => this.hover(u)] },
    }, series, this.chart);
    this.tip = element("div", { class: "tip", hidden: "" });
    this.chart.append(this.tip);
  }

  hover(plot) {
    const i = plot.cursor.idx;
    const value = i === null || i === undefined ? null : plot.data[1][i];
    this.tip.hidden = value === null;
    if (!this.tip.hidden) this.tip.textContent = `${clock(plot.data[0][i] * 1000)}  ${number(value)}`;
  }

  retheme() {
    this.plot?.redraw(false, true);
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
    this.worst = element("ul", { class: "worst" });
    body.append(row, this.worst);
    this.items = [];
  }

  update({ data }) {
    for (const state of Object.keys(this.counts)) {
      setText(this.counts[state], number(data[state]), true);
      this.counts[state].parentNode.classList.toggle("none", data[state] === 0);
    }
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
    this.title = element("h2");
    this.age = element("span", { class: "age" });
    const body = element("div", { class: "body" });
    this.node = element("article", { class: `card ${tile.type}`, "data-key": tile.key, tabindex: "0" },
      element("div", { class: "card-head" }, this.title, this.age), body);
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

  matches(text) {
    return `${this.tile.key} ${this.tile.title ?? ""}`.toLowerCase().includes(text);
  }
}

// The members of a group_by family, as bars of one card.
export class Family {
  constructor(tile) {
    this.key = familyOf(tile);
    this.members = new Map();
    this.title = element("h2");
    this.list = element("ul", { class: "bars" });
    this.age = element("span", { class: "age" });
    this.node = element("article", { class: "card family", "data-key": this.key, tabindex: "0" },
      element("div", { class: "card-head" }, this.title, this.age), element("div", { class: "body" }, this.list));
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
    const rows = [...this.members.values()].sort((a, b) => (b.data.value ?? 0) - (a.data.value ?? 0) || (a.key < b.key ? -1 : 1));
    const most = Math.max(1, ...rows.map((t) => t.data.value ?? 0));
    while (this.list.children.length > Math.min(rows.length, 12)) this.list.lastChild.remove();
    rows.slice(0, 12).forEach((tile, i) => {
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
    setText(this.age, rows.length > 12 ? `${rows.length - 12} more` : "");
  }

  tick() {
    this.node.classList.toggle("stale", [...this.members.values()].every((t) => t.stale));
  }

  retheme() {}

  matches(text) {
    return [...this.members.values()].some((t) => `${t.key} ${t.title ?? ""}`.toLowerCase().includes(text));
  }
}

// Members that are single numbers share a card; others are better seen each for itself.
export function familyOf(tile) {
  return tile.group && (tile.type === "count" || tile.type === "gauge") ? tile.key.split("/")[0] : null;
}
