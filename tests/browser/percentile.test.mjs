// SPDX-License-Identifier: Apache-2.0
// What most values are below.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { Deployment, becomes, card, finish, open, shots } from "./harness.mjs";

let d;

const TILES = `tiles:
  - {key: latency, title: Latency, type: percentile, match: {event_type: request.done}, value: payload.ms, window: 5m, unit: ms, warn: "> 300"}
  - {key: slow, title: p90 per second, type: trend, match: {event_type: request.done}, value: payload.ms, step: 1s, aggregate: p90, unit: ms}
`;

before(async () => { d = await Deployment.create("", "", { tiles: TILES }); });
after(async () => { await finish(); await d.stop(); });

test("95 percent are shown large, and the others beside them", async () => {
  const page = await open(d.url);
  const shown = async () => (await card(page, "latency").locator(".big, .quiet").allTextContents()).slice(0, 2);
  const range = () => card(page, "latency").locator(".range span").allTextContents();
  await becomes("nothing", shown, ["–", "95 % of 0 in the last 5m"]);
  for (let i = 1; i <= 100; i++) d.insert("request.done", `r-${i}`, { ms: 2 * i });
  await becomes("the 95th of a hundred", shown, ["190", "95 % of 100 in the last 5m"]);
  assert.deepEqual(await range(), ["p50 100 ms", "p90 180 ms", "p99 198 ms"]);
  await becomes("a point", async () => Number(await card(page, "slow").locator(".big").textContent()) > 0, true);
  await card(page, "latency").screenshot({ path: join(shots, "percentile.png") });
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
