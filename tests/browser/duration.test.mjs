// SPDX-License-Identifier: Apache-2.0
// How long items take, and the oldest that still runs.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { Deployment, becomes, card, finish, open, shots } from "./harness.mjs";

let d;

const TILES = `tiles:
  - {key: mttr, title: MTTR, type: duration, opens: {event_type: incident.opened}, closes: {event_type: incident.resolved}, item: target_id, window: 24h}
`;

before(async () => { d = await Deployment.create("", "", { tiles: TILES }); });
after(async () => { await finish(); await d.stop(); });

test("what took how long, and what still runs", async () => {
  const page = await open(d.url);
  const notes = () => card(page, "mttr").locator(".quiet").allTextContents();
  await becomes("nothing", async () => (await notes())[0], "average of 0 in the last 1d");
  assert.equal((await notes()).at(-1), "none running");
  d.insert("incident.opened", "INC-1", {});
  d.insert("incident.opened", "INC-2", {});
  await becomes("two that run", async () => /^2 running, INC-1 for \d+s$/.test((await notes()).at(-1)), true);
  d.insert("incident.resolved", "INC-1", {});
  await becomes("one that ended", async () => (await notes())[0], "average of 1 in the last 1d");
  await becomes("one that runs", async () => /^1 running, INC-2 for \d+s$/.test((await notes()).at(-1)), true);
  assert.match(await card(page, "mttr").locator(".range span").first().textContent(), /^half within /);
  await card(page, "mttr").screenshot({ path: join(shots, "duration.png") });
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
