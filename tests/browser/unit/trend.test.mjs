// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { marks, trendSeries } from "../../../gateway/web/types/trend.js";

const step = 10000;
const points = { 10000: 4, 20000: 6, 50000: 5 };

test("buckets without a measurement are gaps, and those without rows are none where rows are counted", () => {
  const now = 55000;
  assert.deepEqual(trendSeries({ step_ms: step, aggregate: "avg", points }, 5, now), [[10, 20, 30, 40, 50], [4, 6, null, null, 5]]);
  assert.deepEqual(trendSeries({ step_ms: step, aggregate: "last", points }, 5, now)[1], [4, 6, null, null, 5]);
  assert.deepEqual(trendSeries({ step_ms: step, aggregate: "count", points }, 5, now)[1], [4, 6, 0, 0, 5]);
  assert.deepEqual(trendSeries({ step_ms: step, aggregate: "sum", points }, 5, now)[1], [4, 6, 0, 0, 5]);
});

test("a chart goes on to now, and begins as early as it is long", () => {
  const [x, y] = trendSeries({ step_ms: step, aggregate: "max", points }, 5, 85000);
  assert.deepEqual(x, [10, 20, 30, 40, 50, 60, 70]);
  assert.deepEqual(y, [4, 6, null, null, 5, null, null]);
  assert.equal(trendSeries({ step_ms: step, aggregate: "count", points: {} }, 30, 85000)[0].length, 30);
});

// Berlin's days around the change of the clock on 2026-10-25: 24, 25 and 24 hours.
const starts = [1792706400000, 1792792800000, 1792879200000, 1792969200000];
const days = { step_ms: 86400000, step: "1d", time_zone: "Europe/Berlin", starts, points: { 1792792800000: 3, 1792879200000: 5 } };

test("days, weeks and months begin where the tile says, and not in equal steps", () => {
  assert.deepEqual(trendSeries({ ...days, aggregate: "count" }, 20, 0), [starts.map((t) => t / 1000), [0, 3, 5, 0]]);
  assert.deepEqual(trendSeries({ ...days, aggregate: "avg" }, 20, 0)[1], [null, 3, 5, null]);
  assert.deepEqual(trendSeries({ ...days, aggregate: "avg" }, 2, 0)[0], starts.slice(1).map((t) => t / 1000));
  assert.deepEqual(trendSeries({ ...days, aggregate: "count", points: {} }, 2, 0)[1], [0, 0]);
});

test("a day that the time zone leaves out is not drawn", () => {
  const [x] = trendSeries({ ...days, aggregate: "count", starts: [1, 2, 2, 3] }, 20, 0);
  assert.deepEqual(x, [0.001, 0.002, 0.003]);
});

test("the last start has a label, and those before it as there is room", () => {
  assert.deepEqual(marks([1, 2, 3, 4, 5, 6, 7], 3), [1, 4, 7]);
  assert.deepEqual(marks([1, 2, 3], 9), [1, 2, 3]);
  assert.deepEqual(marks([1, 2, 3], 0), [3]);
  assert.deepEqual(marks([], 3), []);
});
