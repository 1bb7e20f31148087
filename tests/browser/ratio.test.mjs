// SPDX-License-Identifier: Apache-2.0
// A percentage, of how many it is, and that of nothing there is none.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { Deployment, becomes, card, finish, open, shots } from "./harness.mjs";

let d;

const TILES = `tiles:
  - {key: errors, title: Failed requests, type: ratio, match: {event_type: request.failed}, of: {event_type: "request.*"}, window: 5m, warn: "> 20"}
`;

before(async () => { d = await Deployment.create("", "", { tiles: TILES }); });
after(async () => { await finish(); await d.stop(); });

test("a percentage says of how many it is, and of nothing there is none", async () => {
  const page = await open(d.url);
  const shown = async () => [await card(page, "errors").locator(".big").textContent(), await card(page, "errors").locator(".quiet").first().textContent()];
  await becomes("no percentage", shown, ["–", "of none in the last 5m"]);
  d.insert("request.done", "r-0", {});
  await becomes("nothing of one", shown, ["0", "0 of 1 in the last 5m"]);
  for (let i = 1; i <= 6; i++) d.insert(i <= 2 ? "request.failed" : "request.done", `r-${i}`, {});
  await becomes("two of seven", shown, ["28.571", "2 of 7 in the last 5m"]);
  assert.equal((await card(page, "errors").locator(".unit").textContent()).trim(), "%");
  await card(page, "errors").screenshot({ path: join(shots, "ratio.png") });
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
