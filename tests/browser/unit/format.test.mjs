// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { exact, measure, number } from "../../../gateway/web/format.js";

test("a number has enough digits to see it change", () => {
  const shown = { 0.9957: "0.9957", 0.00006: "0.00006", 12.345678: "12.346", 9999.54: "9,999.5", 83182.37: "83,182", 1234567: "1,234,567", 98765432101234: "98,765,432,101,234" };
  for (const [value, text] of Object.entries(shown)) assert.equal(number(Number(value)), text);
  assert.deepEqual([0, -0, -5.25, 1e-9, 8.4e15, undefined, null].map(number), ["0", "0", "-5.25", "1E-9", "8.4E15", "–", "–"]);
});

test("the exact value has all its digits", () => {
  assert.deepEqual([0.1, 83182.37, 1234567.125, 2 ** 53, 1e-12, 1e300, undefined].map(exact),
    ["0.1", "83,182.37", "1,234,567.125", "9,007,199,254,740,992", "1E-12", "1E300", "–"]);
});

test("seconds and bytes are shown in the unit of their size, and other units as they are", () => {
  const shown = (value, unit) => Object.values(measure(value, unit)).join(" ");
  assert.deepEqual([[0.00006, "s"], [0.25, "seconds"], [3600, "s"], [0, "s"], [1500, "ms"], [-0.002, "s"]].map((args) => shown(...args)),
    ["60 µs", "250 ms", "3,600 s", "0 s", "1.5 s", "-2 ms"]);
  assert.deepEqual([[8412345678, "B"], [8412345678, "bytes"], [12, "bytes"], [0.5, "B"], [2500, "KB"]].map((args) => shown(...args)),
    ["8.4123 GB", "8.4123 GB", "12 B", "0.5 B", "2.5 MB"]);
  assert.deepEqual([[12, "jobs"], [0.9957, ""], [21.4, "%"], [undefined, "B"]].map((args) => shown(...args)), ["12 jobs", "0.9957 ", "21.4 %", "– B"]);
});

test("a definition says how a number is written", () => {
  const shown = (value, unit, display) => Object.values(measure(value, unit, display)).join(" ").trim();
  assert.equal(shown(0.9312, "", { format: "percent" }), "93.12 %");
  assert.equal(shown(0.9312, "", { format: "percent", decimals: 0 }), "93 %");
  assert.equal(shown(8412345678, "", { format: "bytes", decimals: 1 }), "8.4 GB");
  assert.equal(shown(4521, "", { format: "duration" }), "1h 15m");
  assert.equal(shown(250, "ms", { format: "duration" }), "250 ms");
  assert.equal(shown(-90, "s", { format: "duration" }), "−1m 30s");
  assert.equal(shown(1234.5, "EUR", { format: "currency" }), "€1,234.50");
  assert.equal(shown(1234.5, "EUR", { format: "currency", decimals: 0 }), "€1,235");
  assert.equal(shown(12.3456, "jobs", { decimals: 2 }), "12.35 jobs");
  assert.equal(shown(undefined, "EUR", { format: "currency" }), "– EUR");
});
