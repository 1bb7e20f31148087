// SPDX-License-Identifier: Apache-2.0
// A gateway that has no room for a browser's stream: the EventSource comes back by itself, and the dashboard says how it stands.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Deployment, finish, open, status, until } from "./harness.mjs";

let d, full;

before(async () => {
  d = await Deployment.create("", "", { limits: ", streams_per_address: 1" });
  full = await Deployment.create("", "", { limits: ", streams: 1" });
});
after(async () => { await finish(); await d.stop(); await full.stop(); });

for (const [reason, expected, deployment] of [["its address has enough", 429, () => d], ["the gateway has enough", 503, () => full]]) {
  test(`an EventSource that was refused, because ${reason}, is told why, and comes back by itself`, async () => {
    const page = await open(`${deployment().url}/healthz`);
    await page.evaluate(() => {
      window.first = new EventSource("/api/tiles/stream");
      return new Promise((done) => window.first.addEventListener("tile", done, { once: true }));
    });
    await page.evaluate(() => {
      window.told = [];
      window.second = new EventSource("/api/tiles/stream");
      window.second.addEventListener("refused", ({ data }) => window.told.push(JSON.parse(data).status));
      window.second.addEventListener("tile", () => window.told.push("tile"), { once: true });
    });
    await until("the refusal", () => page.evaluate((code) => window.told[0] === code && window.second.readyState === EventSource.CONNECTING, expected));
    await page.evaluate(() => window.first.close());
    await until("a tile of the second", () => page.evaluate(() => window.told.at(-1) === "tile"));
    await page.close();
  });
}

test("the dashboard polls while its streams are refused, and never says that it is connected", async () => {
  const holds = await fetch(`${d.url}/api/tiles/stream`);
  const page = await open(d.url, {
    init: () => {
      window.said = [];
      new MutationObserver(() => window.said.push(document.querySelector("#status")?.textContent)).observe(document, { subtree: true, childList: true, characterData: true });
    },
  });
  await until("polling", async () => (await status(page)).includes("polling"));
  assert(!(await page.evaluate(() => window.said)).some((text) => text?.startsWith("Connected")), "one stream of two was never enough");
  await holds.body.cancel();
  await page.close();
});
