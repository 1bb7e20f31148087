// SPDX-License-Identifier: Apache-2.0
// The page and <live-tile> under a path: addresses are relative to where they were loaded from.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { card, Deployment, finish, open, status, until } from "./harness.mjs";

let d, other, site;

before(async () => {
  d = await Deployment.create("", ', base_path: "/ops/tilewire", cors_origins: ["*"]');
  other = createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end("<!doctype html><title>Another site</title>"));
  await new Promise((listening) => other.listen(0, "127.0.0.1", listening));
  site = `http://127.0.0.1:${other.address().port}/`;
});
after(async () => { await finish(); other.close(); await d.stop(); });

test("the dashboard works under a path, and asks for nothing beside it", async () => {
  const page = await open(`${d.url}/ops/tilewire`);
  await until("the connection", async () => (await status(page)).startsWith("Connected"));
  await card(page, "orders.created").waitFor();
  const beside = page.requests.filter((url) => !url.startsWith(`${d.url}/ops/tilewire`));
  assert.deepEqual(beside, []);
  assert.deepEqual(page.errors, []);
  await page.close();
});

test("a <live-tile> finds its gateway by where its script came from, or by a `src` with a path", async () => {
  const page = await open(site);
  await page.setContent(`<live-tile tile="orders.created"></live-tile><live-tile tile="orders.created" src="${d.url}/ops/tilewire/"></live-tile>`);
  await page.addScriptTag({ type: "module", url: `${d.url}/ops/tilewire/assets/live-tile.js` });
  await until("both tiles", async () => (await page.locator('live-tile[state="live"]').count()) === 2);
  const beside = page.requests.filter((url) => url.startsWith(d.url) && !url.startsWith(`${d.url}/ops/tilewire/`));
  assert.deepEqual(beside, []);
  await page.close();
});
