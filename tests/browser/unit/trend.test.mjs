// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { trendSeries } from "../../../gateway/web/types/trend.js";

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
