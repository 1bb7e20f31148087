// SPDX-License-Identifier: Apache-2.0
// Networks as they are: a gateway that answers 503, a laptop that goes offline.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { Deployment, finish, open, refresh, shots, status, until } from "./harness.mjs";

let d;

before(async () => { d = await Deployment.create(); });
after(async () => { await finish(); await d.stop(); });

async function connected(options) {
  const page = await open(d.url, options);
  await until("the connection", async () => (await status(page)) === "Connected");
  return page;
}

test("a gateway that answers 503 is no answer, and is left as soon as it serves again", async () => {
  const page = await connected();
  await page.route("**/api/**", (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: "{}" }));
  await d.kill("gateway");
  await d.start("gateway");
  await until("red", async () => (await status(page)) === "Disconnected · no answer");
  assert.equal(await refresh(page), "No answer");
  d.insert("work_item_created", "after-503");
  await page.unroute("**/api/**");
  await until("green", async () => (await status(page)) === "Connected", 40000);
  await until("what was missed", async () => (await page.locator("#events tr").first().textContent()).includes("after-503"));
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("back online means an attempt at once", async () => {
  const page = await connected({ clock: true });
  await page.context().setOffline(true);
  await d.kill("gateway");
  await d.start("gateway");
  await until("red", async () => (await status(page)) === "Disconnected · no answer");
  const attempts = () => page.requests.filter((url) => url.includes("/api/tiles/stream")).length;
  await page.screenshot({ path: join(shots, "offline.png") });
  await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 1000); // no timer brings an attempt from here on
  const earlier = attempts();
  await page.context().setOffline(false);
  await until("an attempt", () => attempts() > earlier);
  await page.clock.resume();
  await until("green", async () => (await status(page)) === "Connected");
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
