// SPDX-License-Identifier: Apache-2.0
// Numbers, ages and times, as people read them.

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });

export function number(value) {
  if (value === undefined || value === null) return "–";
  if (Math.abs(value) >= 1e6) return compact.format(value);
  return (Number.isInteger(value) || Math.abs(value) >= 1000 ? whole : fine).format(value);
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

export function clock(iso) {
  return new Date(iso).toLocaleTimeString([], { hour12: false });
}

// Writes when something was, shortly: the time if it was today, the day if it was this year, else the month.
export function date(iso) {
  const at = new Date(iso);
  const now = new Date();
  if (at.toDateString() === now.toDateString()) return at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
  return at.toLocaleDateString([], at.getFullYear() === now.getFullYear() ? { day: "numeric", month: "short" } : { month: "short", year: "numeric" });
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

// Writes "in_progress" as "in progress".
export function words(name) {
  return name.replace(/[_.]/g, " ");
}
