// SPDX-License-Identifier: Apache-2.0
// Whether rows that are gone are missing in what a tile shows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksRows } from "../../../gateway/web/tiles.js";

const HOUR = 3600e3;
const ago = (ms) => new Date(Date.now() - ms).toISOString();
const lacks = (type, data, since, complete = false) => lacksRows({ type, data, complete, since: since && { position: "41", time: ago(since) } });

test("a total lacks them for good", () => {
  assert.equal(lacks("count", { value: 1 }, 1e6 * HOUR), true);
  assert.equal(lacks("gauge", { value: 1 }, 1e6 * HOUR), true);
  assert.equal(lacks("backlog", { total: 1 }, 1e6 * HOUR), true);
  assert.equal(lacks("sla_risk", { ok: 1 }, 1e6 * HOUR), true);
});

test("a window lacks them until it begins later than what is known", () => {
  assert.equal(lacks("count", { value: 1, window_ms: HOUR }, 0.9 * HOUR), true);
  assert.equal(lacks("count", { value: 1, window_ms: HOUR }, 1.1 * HOUR), false);
  assert.equal(lacks("count", { value: 1, window: "today", begins_at: ago(2 * HOUR) }, HOUR), true);
  assert.equal(lacks("count", { value: 1, window: "today", begins_at: ago(2 * HOUR) }, 3 * HOUR), false);
});

test("a chart lacks them as long as it shows that time", () => {
  const bucket = (n) => Math.floor(Date.now() / HOUR - n) * HOUR;
  const points = { [bucket(30)]: 1, [bucket(0)]: 2 };
  const trend = { step_ms: HOUR, aggregate: "count", points };
  assert.equal(lacks("trend", trend, 25 * HOUR), true);
  assert.equal(lacks("trend", trend, 32 * HOUR), false);
  assert.equal(lacks("trend", { ...trend, points: {} }, 5 * HOUR), true);
  assert.equal(lacks("trend", { ...trend, points: {} }, 50 * HOUR), false);
  const days = { step: "1d", time_zone: "Europe/Berlin", step_ms: 24 * HOUR, aggregate: "count", starts: [bucket(48), bucket(24), bucket(0)], points: { [bucket(24)]: 3 } };
  assert.equal(lacks("trend", days, 30 * HOUR), true);
  assert.equal(lacks("trend", days, 60 * HOUR), false);
});

test("a tile that is complete, or that says nothing, lacks none; one that does not know since when may lack all", () => {
  assert.equal(lacks("count", { value: 1 }, HOUR, true), false);
  assert.equal(lacks("count", { value: 1 }, HOUR, null), false);
  assert.equal(lacks("count", { value: 1, window_ms: HOUR }, null), true);
});
