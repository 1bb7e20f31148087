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

// Writes "in_progress" as "in progress".
export function words(name) {
  return name.replace(/[_.]/g, " ");
}
