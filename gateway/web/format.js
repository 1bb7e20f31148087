// SPDX-License-Identifier: Apache-2.0
// Numbers, ages and times, as people read them.

// Five digits tell values apart that differ by a hundred-thousandth; an integer has all of its own.
const DIGITS = 5;
const formats = new Map();

function formatted(value, options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(undefined, options));
  return formats.get(key).format(value + 0); // -0 is 0
}

const isNumber = (value) => value !== undefined && value !== null;

// Writes a number as on a card; with `decimals` with just so many.
export function number(value, { decimals } = {}) {
  if (!isNumber(value)) return "–";
  if (decimals !== undefined) return formatted(value, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  const size = Math.abs(value);
  if (size >= 1e15 || (size < 1e-6 && size > 0)) return formatted(value, { notation: "scientific", maximumSignificantDigits: DIGITS });
  if (Number.isInteger(value) || size >= 10 ** (DIGITS - 1)) return formatted(value, { maximumFractionDigits: 0 });
  return formatted(value, { maximumSignificantDigits: DIGITS });
}

// Writes a number with all the digits that it has.
export function exact(value) {
  if (!isNumber(value)) return "–";
  const size = Math.abs(value);
  return formatted(value, { maximumSignificantDigits: 17, ...(size >= 1e21 || (size < 1e-9 && size > 0) ? { notation: "scientific" } : {}) });
}

// Units of which there are larger or smaller ones: what they are in the first of their scale.
const scales = [
  { names: [["ns", 1e-9], ["µs", 1e-6], ["ms", 1e-3], ["s", 1]], words: { seconds: "s", second: "s", sec: "s", milliseconds: "ms", us: "µs" } },
  { names: [["B", 1], ["kB", 1e3], ["MB", 1e6], ["GB", 1e9], ["TB", 1e12], ["PB", 1e15]], words: { bytes: "B", byte: "B", KB: "kB" } },
];

const SECONDS = { ms: 0.001, s: 1, min: 60, h: 3600, d: 86400 };

// How a tile's definition has its number written (`display` of tile.json). Undefined: as one that it says nothing of.
function asDefined(value, unit, { format, decimals }) {
  if (format === "percent") return { text: number(value * 100, { decimals }), unit: "%" };
  if (format === "currency") {
    const digits = decimals === undefined ? {} : { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    return { text: formatted(value, { style: "currency", currency: unit, ...digits }), unit: "" };
  }
  if (format === "duration") {
    const seconds = value * (SECONDS[unit] ?? 1);
    if (Math.abs(seconds) < 60) return measure(seconds, "s", { decimals });
    return { text: `${seconds < 0 ? "−" : ""}${duration(Math.abs(seconds) * 1000)}`, unit: "" };
  }
  return undefined;
}

// Puts a value into the unit of its scale in which it is 1 or more. What has no scale stays as it is. `display` is what the
// tile's definition says of it.
export function measure(value, unit = "", display = {}) {
  const defined = isNumber(value) ? asDefined(value, unit, display) : undefined;
  if (defined) return defined;
  if (display.format === "bytes") unit = "B";
  for (const { names, words: others } of scales) {
    const [name, factor] = names.find(([n]) => n === (others[unit] ?? unit)) ?? [];
    if (!name) continue;
    const size = Math.abs(value ?? 0) * factor;
    // An hour of seconds stays seconds: the value alone tells how long that is.
    const [to, by] = size === 0 ? [name, factor] : names.findLast(([, one]) => size >= one * 0.9999999) ?? names[0];
    return { text: number(isNumber(value) && by !== factor ? (value * factor) / by : value, display), unit: to };
  }
  return { text: number(value, display), unit };
}

// Writes 75 s as "1m 15s": with the two largest units that are not zero.
export function duration(ms) {
  let s = Math.max(0, Math.round(ms / 1000));
  const parts = [];
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]]) {
    if (s >= size || (unit === "s" && parts.length === 0)) {
      parts.push(`${Math.floor(s / size)}${unit}`);
      s %= size;
    }
  }
  return parts.slice(0, 2).join(" ");
}

const dayFormat = () => new Intl.DateTimeFormat("en-CA", { timeZone });
let timeZone; // in which times are written; the browser's if undefined

// Sets the time zone in which times are written, an IANA name. What is none leaves the browser's.
export function setTimeZone(name) {
  try {
    timeZone = new Intl.DateTimeFormat(undefined, { timeZone: name ?? undefined }).resolvedOptions().timeZone;
  } catch {
    timeZone = undefined;
  }
  days = dayFormat();
}

export function clock(iso) {
  return new Date(iso).toLocaleTimeString([], { hour12: false, timeZone });
}

let days = dayFormat();
const dayOf = (at) => days.format(at);

// Writes a day, with the year if it is another one.
export function day(iso) {
  const at = new Date(iso);
  const year = dayOf(at).slice(0, 4) === dayOf(new Date()).slice(0, 4) ? undefined : "numeric";
  return at.toLocaleDateString([], { day: "numeric", month: "short", year, timeZone });
}

// Writes a moment: its time, and its day if that is not today.
export function moment(iso) {
  return dayOf(new Date(iso)) === dayOf(new Date()) ? clock(iso) : `${day(iso)} ${clock(iso)}`;
}

// Writes when something was, shortly: the time if it was today, the day if it was this year, else the month.
export function date(iso) {
  const at = new Date(iso);
  if (dayOf(at) === dayOf(new Date())) return at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false, timeZone });
  return dayOf(at).slice(0, 4) === dayOf(new Date()).slice(0, 4) ? day(iso) : at.toLocaleDateString([], { month: "short", year: "numeric", timeZone });
}

const periods = { "1d": "day", "1w": "week", "1M": "month" };

// Writes the step of a trend, "10s" or "day".
export function stepName({ step, step_ms }) {
  return periods[step] ?? duration(step_ms);
}

// Returns what writes the start of a period as its date in the tile's time zone, or in the browser's if it knows no such
// zone.
export function dates({ step, time_zone }) {
  const parts = step === "1M" ? { month: "short", year: "numeric" } : { day: "numeric", month: "short" };
  try {
    return new Intl.DateTimeFormat(undefined, { ...parts, timeZone: time_zone }).format;
  } catch {
    return new Intl.DateTimeFormat(undefined, parts).format;
  }
}

// Says which rows a tile with a window shows: "today", "in the last 5m"; nothing if all.
export function spanWords({ window, window_ms }) {
  return window ? words(window) : window_ms ? `in the last ${duration(window_ms)}` : "";
}

// Writes "in_progress" as "in progress".
export function words(name) {
  return name.replace(/[_.]/g, " ");
}
