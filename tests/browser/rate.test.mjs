// SPDX-License-Identifier: Apache-2.0
// How fast events come, and how fast counters grow.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { Deployment, becomes, card, finish, open, shots } from "./harness.mjs";

let d;

const TILES = `tiles:
  - {key: pace, title: Orders per minute, type: rate, match: {event_type: order.created}, per: minute, window: 10m}
  - {key: sent, title: Traffic, type: rate, match: {event_type: sent}, value: payload.bytes, item: target_id, window: 1000s, unit: B}
`;

before(async () => { d = await Deployment.create("", "", { tiles: TILES }); });
after(async () => { await finish(); await d.stop(); });

test("events per minute, and the growth of counters with a reset", async () => {
  const page = await open(d.url);
  const shown = (key) => async () => (await card(page, key).locator(".line, .quiet").allInnerTexts()).slice(0, 2).map((text) => text.replace(/[▲▼].*/s, "").replace(/\s+/g, " ").trim());
  await becomes("no order", shown("pace"), ["0", "per minute in the last 10m"]);
  await becomes("no counter", async () => (await shown("sent")())[1], "nothing to compare yet");
  for (let i = 0; i < 15; i++) d.insert("order.created", `o-${i}`, {});
  await becomes("15 in 10 minutes", shown("pace"), ["1.5", "per minute in the last 10m"]);
  for (const [ago, bytes] of [[0, 9000], [60, 7000]]) {
    d.sql(`INSERT INTO events (timestamp,event_type,target_id,payload) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ','now','-${ago} seconds'),'sent','web-1','{"bytes":${bytes}}')`);
  }
  await becomes("2000 bytes in 1000 s", shown("sent"), ["2 B", "per second in the last 16m 40s"]);
  await card(page, "sent").screenshot({ path: join(shots, "rate.png") });
  d.insert("sent", "web-2", { bytes: 5 });
  await becomes("a second counter", async () => (await shown("sent")())[1], "per second of 2 counters in the last 16m 40s");
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
