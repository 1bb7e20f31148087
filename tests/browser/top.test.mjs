// SPDX-License-Identifier: Apache-2.0
// The largest groups, what the others have, and how far the numbers may be off when there are many.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { Deployment, becomes, card, finish, open, shots } from "./harness.mjs";

let d;

const TILES = `tiles:
  - {key: customers, title: Tickets by customer, type: top, match: {event_type: ticket.opened}, item: target_id, rows: 6, window: 24h}
`;

before(async () => { d = await Deployment.create("", "", { tiles: TILES }); });
after(async () => { await finish(); await d.stop(); });

test("the largest groups, in their order, and the others", async () => {
  const page = await open(d.url);
  const rows = async () => (await card(page, "customers").locator(".parts li").allInnerTexts()).map((text) => text.replace(/\s+/g, " ").trim());
  const note = async () => (await card(page, "customers").locator(".quiet").first().textContent()).trim();
  await becomes("none yet", note, "largest of 0 in the last 1d");
  for (const [who, count] of [["acme", 3], ["bolt", 7], ["corvid", 1]]) for (let i = 0; i < count; i++) d.insert("ticket.opened", who, {});
  await becomes("three", rows, ["bolt 7", "acme 3", "corvid 1"]);
  for (let i = 0; i < 5; i++) d.insert("ticket.opened", "acme", {});
  for (const who of ["dynamo", "everest", "fjord", "granite"]) for (let i = 0; i < 2; i++) d.insert("ticket.opened", who, {});
  await becomes("five and the others", rows, ["acme 8", "bolt 7", "dynamo 2", "everest 2", "fjord 2", "3 of others"]);
  await becomes("how many", note, "largest of 7 in the last 1d");
  await card(page, "customers").screenshot({ path: join(shots, "top.png") });
  for (let i = 0; i < 1100; i++) d.insert("ticket.opened", `c-${i}`, {});
  await becomes("about", async () => /^off by \d+ at most in the last 1d$/.test(await note()), true);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
