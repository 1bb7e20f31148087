// SPDX-License-Identifier: Apache-2.0
// The axis of values: how far it goes, in which steps, and how they are written.

// The steps that an axis may have. What is counted has no halves, so it gets the whole ones.
export const steps = [];
for (let tens = -16; tens < 17; tens++) steps.push(...[1, 2, 2.5, 5].map((n) => Number(`${n}e${tens}`)));
export const wholeSteps = steps.filter(Number.isInteger);

// How far an axis goes for values from `min` to `max`: 0 is always on it, and nothing touches its end.
export function range(min, max) {
  const low = Math.min(0, min ?? 0);
  const high = Math.max(0, max ?? 0);
  const room = (high - low) * 0.1;
  return room === 0 ? [0, 1] : [low < 0 ? low - room : 0, high > 0 ? high + room : 0];
}

// A power of ten by which values are divided for drawing, because a chart's arithmetic has no room for the very large and
// the very small ones.
export function factorFor(values) {
  const most = values.reduce((found, v) => Math.max(found, Math.abs(v ?? 0)), 0);
  return most >= 1e14 || (most > 0 && most < 1e-9) ? 10 ** Math.max(-300, Math.floor(Math.log10(most))) : 1;
}

// Writes the values of an axis, which are one step apart, with as many digits as it takes to tell them apart.
export function axisTexts(values) {
  const most = values.reduce((found, v) => Math.max(found, Math.abs(v)), 0);
  const step = values.length > 1 ? Math.abs(values[1] - values[0]) : most;
  if (!(step > 0)) return values.map(String);
  const digits = Math.min(17, Math.floor(Math.log10(most)) - Math.floor(Math.log10(step) + 1e-9) + 2); // 2.5 has one more
  const notation = most >= 1e15 || step < 1e-5 ? "scientific" : most >= 1e6 && digits <= 4 ? "compact" : "standard";
  const format = new Intl.NumberFormat(undefined, { notation, maximumSignificantDigits: digits });
  return values.map((v) => (v === 0 ? "0" : format.format(v)));
}
