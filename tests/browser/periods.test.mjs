// SPDX-License-Identifier: Apache-2.0
// Tiles of days, weeks and months of a time zone that is not the browser's.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Deployment, becomes, card, finish, open, shots, until } from "./harness.mjs";

const ZONE = "Pacific/Auckland";
const TILES = `tiles:
  - {key: today, title: Orders today, type: count, window: today}
  - {key: days, title: Orders per day, type: trend, step: 1d, length: 14, aggregate: count}
  - {key: weeks, title: Orders per week, type: trend, step: 1w, length: 12, aggregate: count}
  - {key: months, title: Orders per month, type: trend, step: 1M, length: 6, aggregate: count}
`;
let d;

before(async () => {
  d = await Deployment.create("", "", { source: `, time_zone: ${ZONE}`, tiles: TILES });
  d.sql(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
    INSERT INTO events (timestamp, event_type) SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now', -(i * i % 9000) || ' minutes'), 'x' FROM n`);
  await until("all rows", async () => {
    const { data } = await (await fetch(`${d.url}/api/tiles/months`)).json();
    return Object.values(data.points).reduce((sum, n) => sum + n, 0) === 1001;
  });
});
after(async () => { await finish(); await d.stop(); });

for (const timezoneId of ["America/Los_Angeles", "Europe/Berlin"]) {
  test(`days are those of the tile's time zone, seen from ${timezoneId}`, async () => {
    const page = await open(d.url, { timezoneId, locale: "en-GB" });
    await until("the charts", async () => (await page.locator("canvas").count()) === 3);
    await becomes("the window's name", () => card(page, "today").locator(".quiet").first().textContent(), "today");
    await becomes("the bucket's name", () => card(page, "weeks").locator(".aside").textContent(), "last full week");
    const { data } = await (await fetch(`${d.url}/api/tiles/days`)).json();
    const start = new Date(data.starts[data.starts.length - 2]);
    const date = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, day: "numeric", month: "short" }).format(start);
    const box = await card(page, "days").locator(".u-over").boundingBox();
    await page.mouse.move(box.x + box.width * (12 / 13), box.y + box.height / 2);
    await becomes("the tip", () => card(page, "days").locator(".tip").textContent(), `${date}  ${data.points[start.getTime()]}`);
    await page.screenshot({ path: join(shots, `periods-${timezoneId.split("/")[1]}.png`) });
    await card(page, "days").locator(".title").click();
    await until("the facts", async () => /count per day/.test(await page.locator("#detail dl").first().textContent()));
    assert.match(await page.locator("#detail dl").first().textContent(), /Time zonePacific\/Auckland/);
    assert.deepEqual(page.errors, []);
    await page.context().close();
  });
}
