// SPDX-License-Identifier: Apache-2.0
// node screenshot.mjs URL FOLDER: the pictures of README and docs, from the dashboard at URL.
import { join } from "node:path";
import { serveDocsPage } from "./docs-page.mjs";
import { finish, open, until } from "./harness.mjs";

const [url, folder] = process.argv.slice(2);

// What the page itself remembers has a little to show.
const ripe = (page, ms = 14000) => page.waitForTimeout(ms);

async function dashboard(options) {
  const page = await open(url, options);
  await until("live tiles", () => page.evaluate(() =>
    document.querySelector("#status")?.classList.contains("connected") && document.querySelectorAll("#events tr").length > 10 && document.querySelector("canvas")));
  return page;
}

async function take(name, page, options = {}) {
  await page.screenshot({ path: join(folder, name), ...options });
  await page.context().close();
}

const viewport = { width: 1440, height: 1150 };

async function large() {
  const page = await dashboard({ colorScheme: "light", viewport: { width: 1280, height: 900 } });
  await page.locator('[data-key="orders.rate"] .title').click();
  await until("the large chart and the definition", () => page.evaluate(() => document.querySelector("dialog canvas") && document.querySelector(".defined dt")));
  await ripe(page, 3000);
  const { x, y, width, height } = await page.locator("#detail .chart").boundingBox();
  await page.mouse.move(x + width * 0.7, y + height * 0.5);
  return page;
}

async function ownPage() {
  const site = await serveDocsPage(url.replace(/\/$/, ""));
  const page = await open(site.url, { viewport: { width: 1180, height: 900 } });
  await until("live tiles", async () => (await page.locator('live-tile:not([state="live"])').count()) === 0 && (await page.locator("canvas").count()) === 3);
  await ripe(page);
  await take("live-tile.png", page, { fullPage: true });
  site.close();
}

// Those that wait for what the page remembers do so at the same time.
await Promise.all([
  ...[["light", "dashboard.png"], ["dark", "dashboard-dark.png"]].map(async ([colorScheme, name]) => {
    const page = await dashboard({ colorScheme, viewport });
    await ripe(page);
    await take(name, page);
  }),
  (async () => {
    const page = await dashboard({ colorScheme: "dark", viewport: { width: 2560, height: 1440 } });
    await ripe(page);
    await take("wall.png", page);
  })(),
  (async () => {
    const page = await dashboard({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 });
    await ripe(page);
    await take("phone.png", page);
  })(),
]);
await take("large-view.png", await large());
await ownPage();
await finish();
