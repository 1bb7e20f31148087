// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { GatewayClock } from "../clock.js";

test("the time is the gateway's, by heartbeats, and before them about that of an answer", () => {
  let now = 1000000;
  const clock = new GatewayClock({ now: () => now });
  assert.equal(clock.now(), now);
  clock.tellAbout(1300000);
  assert.equal(clock.now(), 1300500);
  clock.tell(1299900);
  clock.tellAbout(5);
  assert.equal(clock.skewMs, 299900);
  now += 15000;
  assert.equal(clock.now(), 1314900);
  clock.tell(NaN);
  clock.tellAbout(NaN);
  assert.equal(clock.skewMs, 299900);
});

test("a heartbeat that was held up puts no clock back, and a clock that was set is followed", () => {
  const clock = new GatewayClock({ now: () => 1000000 });
  clock.tell(1000010);
  clock.tell(400000);
  assert.equal(clock.skewMs, 10);
  for (let i = 0; i < 3; i++) clock.tell(700000);
  assert.equal(clock.skewMs, -300000);
  clock.tell(1200000);
  assert.equal(clock.skewMs, 200000);
});
