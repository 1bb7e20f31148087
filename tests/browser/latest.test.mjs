// SPDX-License-Identifier: Apache-2.0
// The newest rows as a table.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { Deployment, becomes, card, finish, open, shots } from "./harness.mjs";

let d;

const TILES = `tiles:
  - {key: failed, title: Failed payments, type: latest, match: {event_type: payment.failed}, show: [target_id, payload.amount, payload.reason], rows: 4}
`;

before(async () => { d = await Deployment.create("", "", { tiles: TILES }); });
after(async () => { await finish(); await d.stop(); });

test("the newest rows stand in a table, the newest first", async () => {
  const page = await open(d.url);
  await becomes("an empty table's word", () => card(page, "failed").locator(".quiet").last().textContent(), "no row yet");
  for (let i = 1; i <= 5; i++) d.insert("payment.failed", `p-${i}`, { amount: i * 10, reason: i === 3 ? "<b>no funds</b>" : "card expired" });
  const cells = () => card(page, "failed").locator("td").allTextContents();
  const shown = async () => (await cells()).filter((_, i) => i % 4 !== 0);
  await becomes("the rows", shown, ["p-5", "50", "card expired", "p-4", "40", "card expired", "p-3", "30", "<b>no funds</b>", "p-2", "20", "card expired"]);
  assert.match((await cells())[0], /^\d\d:\d\d:\d\d$/);
  assert.deepEqual(await card(page, "failed").locator("th").allTextContents(), ["when", "target id", "amount", "reason"]);
  await card(page, "failed").screenshot({ path: join(shots, "latest.png") });
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
