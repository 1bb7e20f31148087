// SPDX-License-Identifier: Apache-2.0
// The hours of the week: which cell a row is in, how strong it is, and where the week begins.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { Deployment, becomes, card, finish, open, shots } from "./harness.mjs";

let d;

const TILES = `tiles:
  - {key: busy, title: Orders by hour, type: heatmap, match: {event_type: order}, unit: orders}
  - {key: recent, title: Of four weeks, type: heatmap, match: {event_type: order}, window: 28d}
`;

before(async () => { d = await Deployment.create("", "", { tiles: TILES }); });
after(async () => { await finish(); await d.stop(); });

test("a row is in the cell of its day and hour, and the strongest is the figure", async () => {
  const page = await open(d.url);
  const note = (key) => () => card(page, key).locator(".aside").textContent();
  await becomes("nothing", note("busy"), "nothing yet");
  await becomes("nothing in four weeks", note("recent"), "nothing yet in 4 weeks");
  const order = (time) => d.sql(`INSERT INTO events (timestamp,event_type,payload) VALUES ('${time}','order','{}')`);
  for (const time of ["2026-01-05T09:30:00Z", "2026-01-12T09:00:00Z", "2026-01-19T09:59:59Z", "2026-01-11T23:00:00Z"]) order(time); // Mondays, and a Sunday
  await becomes("the strongest hour", note("busy"), "count of the strongest hour");
  const cells = card(page, "busy").locator(".hours tr > :nth-child(n+2)");
  assert.equal(await cells.count(), 8 * 24, "a line of hours, and seven days");
  const titled = (title) => card(page, "busy").locator(`[title="${title}"]`);
  const share = (title) => titled(title).evaluate((node) => node.style.getPropertyValue("--share"));
  await becomes("Monday at nine", () => titled("Monday 9:00–10:00: 3 orders").count(), 1);
  assert.equal(await share("Monday 9:00–10:00: 3 orders"), "1.000");
  assert.equal(await share("Sunday 23:00–24:00: 1 orders"), "0.413");
  assert.equal(await share("Monday 10:00–11:00: nothing"), "0");
  assert.deepEqual((await card(page, "busy").locator(".hours th[scope=row]").allTextContents()), ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"]);
  assert.equal(await note("recent")(), "nothing yet in 4 weeks", "those rows are too old");
  await card(page, "busy").screenshot({ path: join(shots, "heatmap.png") });
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
