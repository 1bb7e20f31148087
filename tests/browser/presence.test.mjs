// SPDX-License-Identifier: Apache-2.0
// Which items are still heard of, and which are not.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { Deployment, becomes, card, finish, open, shots } from "./harness.mjs";

let d;

const TILES = `tiles:
  - {key: hosts, title: Hosts, type: presence, match: {event_type: heartbeat}, item: target_id, late: 1s, missing: 3s, steady: 2s}
`;

before(async () => { d = await Deployment.create("", "", { tiles: TILES }); });
after(async () => { await finish(); await d.stop(); });

test("one that is silent is late, then missing, and returns", async () => {
  const page = await open(d.url);
  const note = () => card(page, "hosts").locator(".next").textContent();
  const counts = () => card(page, "hosts").locator(".sla b").allTextContents();
  const worst = () => card(page, "hosts").locator(".worst li").allTextContents();
  await becomes("nothing", note, "nothing was heard of");
  d.insert("heartbeat", "web-1", {});
  d.insert("heartbeat", "web-2", {});
  await becomes("two that are up", counts, ["0", "0", "2"]);
  assert.equal(await note(), "all are up");
  await becomes("both late", counts, ["0", "2", "0"]);
  await becomes("both missing", counts, ["2", "0", "0"]);
  assert.equal(await note(), "2 of 2 not up");
  assert.match((await worst())[0], /^web-1seen \d+s ago$/);
  assert.equal(await card(page, "hosts").locator(".worst b.over").count(), 2);
  await card(page, "hosts").screenshot({ path: join(shots, "presence.png") });
  d.insert("heartbeat", "web-2", {});
  await becomes("one that returns", async () => /^web-2returning, seen \d+s ago$/.test((await worst())[1]), true);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
