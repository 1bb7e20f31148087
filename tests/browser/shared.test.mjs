// SPDX-License-Identifier: Apache-2.0
// Many tabs of one browser, one connection.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Deployment, card, finish, open, refresh, status, until } from "./harness.mjs";

const TABS = 12;
let d;

before(async () => { d = await Deployment.create(); });
after(async () => { await finish(); await d.stop(); });

async function tabs(options) {
  const first = await open(d.url, options);
  const all = [first];
  while (all.length < TABS) all.push(await open(d.url, { in: first.context(), ...options }));
  return all;
}

const streams = (pages) => pages.map((p) => p.requests.filter((url) => /\/api\/tiles\/stream/.test(url)).length);

// For a moment two tabs may lead, when a busy machine delays their messages; then one of them gives way.
const oneConnection = () => until("one stream of tiles and one of events", async () =>
  /^tilewire_gateway_streams 2$/m.test(await (await fetch(`${d.url}/metrics`)).text()));
const connected = (pages) => until("all tabs' connection", async () => (await Promise.all(pages.map(status))).every((s) => s === "Connected"));

async function follow(pages, target) {
  d.insert("order.created", target);
  for (const page of pages) {
    await until(`${target} in each tab`, async () => (await page.locator("#events tr").first().textContent()).includes(target));
  }
}

for (const [name, init] of [["by locks", ""], ["by messages, as on plain HTTP of another host", "Object.defineProperty(navigator, 'locks', { value: undefined })"]]) {
  test(`twelve tabs share one connection, ${name}`, async () => {
    const pages = await tabs({ init });
    await connected(pages);
    await oneConnection();
    const leader = streams(pages).findIndex((n) => n > 0);
    await follow(pages, `all-${name.length}`);

    // The leader's tab is closed: another takes over, nothing is missed, nothing comes twice.
    const [closed] = pages.splice(leader, 1);
    await closed.close();
    await follow(pages, `next-${name.length}`);
    await oneConnection();
    await follow(pages, `last-${name.length}`);
    for (const page of pages) {
      const ids = await page.locator("#events tr").evaluateAll((all) => all.map((tr) => Number(tr.dataset.id)));
      assert.deepEqual(ids, [...new Set(ids)].sort((a, b) => b - a));
      assert.deepEqual(page.errors, []);
    }
    await until("the same count in each tab", async () => {
      const { data } = await (await fetch(`${d.url}/api/tiles/orders.created`)).json();
      const counts = await Promise.all(pages.map((page) => card(page, "orders.created").locator(".big").textContent()));
      return counts.every((count) => count === String(data.value));
    });

    // The button works in a tab that does not lead, too; and all hear of a lost gateway.
    assert.equal(await refresh(pages.at(-1)), "Refreshed");
    await d.kill("gateway");
    await until("all tabs red", async () => (await Promise.all(pages.map(status))).every((s) => s.startsWith("Disconnected")));
    await d.start("gateway");
    await connected(pages);
    await follow(pages, `back-${name.length}`);
    await pages[0].context().close();
  });
}
