// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { elect } from "../election.js";

test("a lock that is given to a page just as it leaves is given back, and the page does not lead", async () => {
  let give;
  const given = new Promise((done) => { give = done; });
  let led = false;
  let back = false;
  const locks = { request: async (_, __, held) => { await given; await held(); back = true; } };
  elect({ name: "x", locks, onLead: () => { led = true; } }).leave();
  give();
  await new Promise((done) => setTimeout(done, 0));
  assert.deepEqual({ led, back }, { led: false, back: true });
});
