// SPDX-License-Identifier: Apache-2.0
// A line over time, drawn by uPlot.
import { axisTexts, factorFor, range, steps, wholeSteps } from "../axis.js";
import { element, setText } from "../dom.js";
import { plainLine } from "../plain-line.js";
import { figureLine, setFigure } from "../figure.js";
import { clock, dates, day, exact, stepName, measure } from "../format.js";

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

// The starts of equally long buckets, `length` or more.
function equalStarts(data, length, now) {
  const filled = Object.keys(data.points).map(Number).sort((a, b) => a - b);
  const last = Math.floor(now / data.step_ms) * data.step_ms;
  const end = filled.length ? Math.max(filled[filled.length - 1], last - data.step_ms) : last;
  const first = filled.length ? Math.min(filled[0], end - (length - 1) * data.step_ms) : end - (length - 1) * data.step_ms;
  const starts = [];
  for (let t = first; t <= end; t += data.step_ms) starts.push(t);
  return starts;
}

// The starts of days, weeks or months, which the tile has, as many as a chart shows. A day that the time zone leaves out
// begins together with the next one, and is not drawn.
function periodStarts(data, length) {
  const filled = data.starts.findIndex((t) => t in data.points);
  const first = Math.max(0, Math.min(data.starts.length - length, filled < 0 ? Infinity : filled));
  return data.starts.filter((t, i) => i >= first && t !== data.starts[i + 1]);
}

// The data of a chart, [times in s, values], `length` buckets long or longer, as far as the tile has so many. A bucket
// without rows is 0 where rows are counted or summed, and a gap elsewhere.
export function trendSeries(data, length, now = Date.now()) {
  const zero = data.aggregate === "count" || data.aggregate === "sum" ? 0 : null;
  const starts = data.starts ? periodStarts(data, length) : equalStarts(data, length, now);
  return [starts.map((t) => t / 1000), starts.map((t) => data.points[t] ?? zero)];
}

// Of the starts in s those that get a label: the last one, and before it as many as there is room for.
export function marks(starts, most) {
  const every = Math.ceil(starts.length / Math.max(1, most));
  return starts.filter((_, i) => (starts.length - 1 - i) % every === 0);
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

const DAY_MS = 86400000;
const SHORTEST = 20; // buckets of a chart

export class Trend {
  static width = 2;

  static begin(data, now) {
    return 1000 * trendSeries(data, Math.max(SHORTEST, Object.keys(data.points).length), now)[0][0];
  }

  constructor(body, world) {
    this.world = world;
    this.value = element("span", { class: "big" });
    this.unit = element("span", { class: "unit" });
    this.note = element("span", { class: "quiet aside" });
    this.running = element("span", { class: "quiet ghost" });
    this.chart = element("div", { class: "chart" });
    body.append(figureLine(this.value, this.unit, this.note, this.running), this.chart);
    this.inks = new Inks(this.chart);
    this.observer = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.observer.observe(this.chart);
    this.longest = SHORTEST;
  }

  size() {
    return { width: Math.max(120, this.chart.clientWidth), height: Math.max(80, this.chart.clientHeight) };
  }

  // A line ends at the moment for which the tile is true: of what came after, nobody knows here.
  update(tile) {
    const { data } = tile;
    this.tile = tile;
    this.longest = Math.max(this.longest, Object.keys(data.points).length);
    const series = trendSeries(data, this.longest, this.world.asOf(tile));
    this.bucket = this.bucketOf(tile);
    const values = series[1].filter((v) => v !== null);
    const open = this.isOpen(data, series[0].at(-1) * 1000);
    this.head(tile, series[1], open);
    this.factor = factorFor(values);
    if (this.factor !== 1) series[1] = series[1].map((v) => v && v / this.factor);
    // A bucket is not complete before its end, so the line to one that still runs is dashed.
    this.counts = data.aggregate === "count";
    const last = series[1].length - 1;
    series.push(series[1].map((v, i) => (open && i >= last - 1 ? v : null)));
    if (open && last > 0) series[1][last] = null;
    this.series = series;
    this.label(data);
    if (this.broken) this.plain();
    else if (this.plot) this.plot.setData(series);
    else this.drawing ??= chartLibrary().then(() => this.draw(this.series)).catch(() => this.plain());
  }

  // True when the bucket that begins then is not over at the moment for which the tile is true.
  isOpen(data, start) {
    return data.starts ? start === data.starts.at(-1) : start + data.step_ms > this.world.asOf(this.tile);
  }

  // Shows the last complete bucket as the number, and beside it what the running one has so far: it begins at 0 with each step.
  head({ data, display }, values, open) {
    const whole = open ? values.slice(0, -1) : values;
    const value = whole.findLast((v) => v !== null);
    const zero = data.aggregate === "count" || data.aggregate === "sum" ? 0 : null;
    const running = open ? values.at(-1) : zero;
    setFigure(this.value, value ?? running, { display, unitNode: this.unit, calm: false });
    setText(this.note, `${value === undefined ? "current" : "last full"} ${stepName(data)}`);
    setText(this.running, value === undefined || running === null || running === undefined ? "" : `${this.valueOf(running)} so far`);
  }

  // Draws a plain line where the library is missing or throws, and says so.
  plain() {
    if (this.over) return;
    if (!this.broken) {
      this.undraw();
      this.broken = plainLine();
      this.chart.replaceChildren(this.broken.node, this.inks.probe);
      this.chart.after(element("div", { class: "quiet" }, "Without axes: the chart library does not work here."));
    }
    const [, whole, running] = this.series;
    this.broken.draw(whole.map((v, i) => v ?? running[i]));
  }

  bucketOf(tile) {
    return tile.data.starts ? 0 : Math.floor(this.world.asOf(tile) / tile.data.step_ms);
  }

  // A bucket without rows is begun by the time alone.
  tick() {
    if (this.bucketOf(this.tile) !== this.bucket) this.update(this.tile);
  }

  // How times are written: as dates in the tile's time zone where buckets are days, weeks or months.
  label(data) {
    const labelled = data.step ? `${data.step} ${data.time_zone}` : "";
    if (this.labelled === labelled) return;
    this.labelled = labelled;
    this.date = data.step && dates(data);
    this.undraw();
  }

  // The axes of equal buckets and of periods differ.
  undraw() {
    this.plot?.destroy();
    this.tip?.remove();
    this.plot = this.drawing = undefined;
  }

  time(s) {
    if (this.date) return this.date(s * 1000);
    if (this.tile.data.step_ms >= DAY_MS) return day(s * 1000);
    const [first, last] = [this.series[0][0], this.series[0].at(-1)];
    return (last - first) * 1000 > DAY_MS / 2 ? `${day(s * 1000)} ${clock(s * 1000).slice(0, 5)}` : clock(s * 1000);
  }

  draw(series) {
    if (this.over || this.plot) return;
    const times = this.date
      ? { splits: (u) => marks(u.data[0], Math.floor(u.width / 80)), values: (u, v) => v.map((t) => this.time(t)) }
      : { values: (u, v) => v.map((t) => this.time(t).replace(/:00$/, "")) };
    const color = (name) => () => this.inks.get(name);
    const axis = { stroke: color("--quiet"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: "11px Inter, system-ui", size: 22 };
    this.plot = new uPlot({
      ...this.size(),
      legend: { show: false },
      padding: [6, 26, 0, 0],
      cursor: { y: false, points: { size: 6 } },
      scales: { y: { range: (u, min, max) => range(min, max) } },
      axes: [{ ...axis, space: 90, ...times }, { ...axis, size: (u, texts, i, cycle) => this.room(u, texts, i, cycle), space: 28, incrs: () => (this.counts && this.factor === 1 ? wholeSteps : steps),
        values: (u, v) => this.values(v.map((value) => value * this.factor)) }],
      series: [{}, { stroke: color("--accent"), fill: (u) => this.fade(u), width: 2, points: { show: false }, spanGaps: false },
        { stroke: color("--accent"), width: 2, dash: [4, 4], points: { show: false } }],
      hooks: { setCursor: [(u) => this.hover(u)], draw: [(u) => this.mark(u)] },
    }, series, this.chart);
    this.tip = element("div", { class: "tip", hidden: "" });
    this.chart.append(this.tip);
  }

  // How values are written: as the definition says, or with as many digits as it takes.
  values(values) {
    const { display = {} } = this.tile;
    if (!display.format || display.format === "currency") return axisTexts(values);
    return values.map((value) => this.valueOf(value));
  }

  valueOf(value) {
    const { display = {} } = this.tile;
    const { text, unit } = measure(value, display.unit, display);
    return unit ? `${text} ${unit}` : text;
  }

  // How wide the labels of the values are.
  room(plot, texts, i, cycle) {
    const axis = plot.axes[i];
    if (cycle > 1 || !texts) return axis._size ?? 44;
    [plot.ctx.font] = axis.font;
    return 14 + Math.max(16, ...texts.map((text) => plot.ctx.measureText(text).width / devicePixelRatio));
  }

  // The area under the line fades out towards its foot.
  fade({ ctx, bbox, scales }) {
    const fill = ctx.createLinearGradient(0, bbox.top, 0, bbox.top + bbox.height);
    const below = scales.y.max <= 0; // The line is at its foot then.
    fill.addColorStop(below ? 1 : 0, this.inks.get("--accent-strong"));
    fill.addColorStop(below ? 0 : 1, this.inks.get("--accent-faint"));
    return fill;
  }

  // The marks of the tile that are within the chart.
  marksOn({ scales }) {
    const { annotations } = this.tile.display ?? {};
    if (!annotations || !this.world.marks) return [];
    return this.world.marks.of(annotations).filter(({ at }) => at >= scales.x.min * 1000 && at <= scales.x.max * 1000);
  }

  // Draws a line down from a small triangle for each mark.
  mark(plot) {
    const { ctx, bbox } = plot;
    const size = 5 * devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = this.inks.get("--s3");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const { at } of this.marksOn(plot)) {
      const x = Math.round(plot.valToPos(at / 1000, "x", true)) + 0.5;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.beginPath();
      ctx.moveTo(x - size, bbox.top);
      ctx.lineTo(x + size, bbox.top);
      ctx.lineTo(x, bbox.top + 1.6 * size);
      ctx.fill();
    }
    ctx.restore();
  }

  // What the mark beside the pointer says.
  markAt(plot) {
    const near = this.marksOn(plot).findLast(({ at }) => Math.abs(plot.valToPos(at / 1000, "x") - plot.cursor.left) < 6);
    return near ? ` · ${near.text}, ${clock(near.at)}` : "";
  }

  hover(plot) {
    const i = plot.cursor.idx;
    const value = i === null || i === undefined ? null : plot.data[1][i] ?? plot.data[2][i];
    this.tip.hidden = value === null;
    if (!this.tip.hidden) this.tip.textContent = `${this.time(plot.data[0][i])}  ${this.tile.display?.format ? this.valueOf(value * this.factor) : exact(value * this.factor)}${this.markAt(plot)}`;
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
