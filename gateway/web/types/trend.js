// SPDX-License-Identifier: Apache-2.0
// A line over time, drawn by uPlot.
import { element, setText } from "../dom.js";
import { clock, duration, number } from "../format.js";

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

// The data of a chart, [times in s, values], `length` buckets long or longer. A bucket without rows is 0 where rows are
// counted or summed, and a gap elsewhere.
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

// The chart library is a script of the page; where it is not, it is fetched once from beside this module's folder.
let library = null;
function chartLibrary() {
  library ??= globalThis.uPlot ? Promise.resolve() : new Promise((resolve, reject) => {
    const script = element("script", { src: new URL("../uplot.js", import.meta.url).href });
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
  return library;
}

// The steps that an axis may have. What is counted has no halves, so it gets the whole ones.
const steps = [];
for (let tens = 1e-6; tens < 1e13; tens *= 10) steps.push(...[1, 2, 2.5, 5].map((n) => Number((n * tens).toPrecision(3))));
const wholeSteps = steps.filter(Number.isInteger);

export class Trend {
  static width = 2;

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
    // What is counted or summed is not complete before the bucket's end, so the line to the last bucket is dashed, and
    // the note says so.
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
