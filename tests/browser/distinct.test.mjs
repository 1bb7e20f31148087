// SPDX-License-Identifier: Apache-2.0
// How many different values there are, exactly and as an estimate.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { Deployment, becomes, card, finish, open, shots } from "./harness.mjs";

let d;

const TILES = `tiles:
  - {key: users, title: Active users, type: distinct, match: {event_type: session.started}, item: target_id, window: 24h}
`;

before(async () => { d = await Deployment.create("", "", { tiles: TILES }); });
after(async () => { await finish(); await d.stop(); });

test("how many, and whether that is exact", async () => {
  const page = await open(d.url);
  const shown = async () => (await card(page, "users").locator(".big, .quiet").allTextContents()).slice(0, 2);
  await becomes("nobody", shown, ["0", "different in the last 1d"]);
  for (const who of ["ann", "bob", "ann"]) d.insert("session.started", who, {});
  await becomes("two", shown, ["2", "different in the last 1d"]);
  for (let i = 0; i < 1100; i++) d.insert("session.started", `u-${i}`, {});
  await becomes("about 1102", async () => (await shown())[1], "different, about, in the last 1d");
  await becomes("all of them", async () => Math.abs(Number((await shown())[0].replace(/\D/g, "")) - 1102) < 60, true);
  await card(page, "users").screenshot({ path: join(shots, "distinct.png") });
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
