// SPDX-License-Identifier: Apache-2.0
// What needs attention is unmistakable: on its card, in a ribbon, in the page's title and icon, and by a sound.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";
import { join } from "node:path";
import { becomes, card, finish, open, shots, status, until, wrongsOf } from "./harness.mjs";
import { Stage } from "./stage.mjs";

let stage;

beforeEach(async () => { stage = await Stage.create(); });
afterEach(async () => { await stage.close(); });
after(finish);

const is = (level, agoMs = 0) => ({ status: level, status_since: new Date(stage.now() - agoMs).toISOString() });
const MINUTE = 60000;

// A wall on which nothing is wrong.
function tiles() {
  stage.put("a", "count", { value: 12 }, { title: "Orders", ...is("ok") });
  stage.put("b", "gauge", { value: 40, min: 0, max: 97, unit: "%" }, { title: "CPU of db-1", ...is("ok") });
  stage.put("c/eu", "count", { value: 9 }, { title: "By region", group: { by: "payload.region", value: "eu" }, ...is("ok") });
  stage.put("c/us", "count", { value: 3 }, { title: "By region", group: { by: "payload.region", value: "us" }, ...is("ok") });
  stage.put("d", "sla_risk", { ok: 5, at_risk: 1, breached: 0, worst: [] }, { title: "SLA risk", ...is("ok") });
  stage.put("e", "backlog", { total: 5, buckets: { open: 5 } }, { title: "Backlog" });
}

function breach(agoMs = 3 * MINUTE) {
  stage.put("d", "sla_risk", { ok: 5, at_risk: 1, breached: 12, worst: [{ id: "t-17", due_at: new Date(stage.now() - MINUTE).toISOString() }] }, { title: "SLA risk", ...is("critical", agoMs) });
}

async function connected(path = "", options = {}) {
  const page = await open(stage.url + path, options);
  await until("the connection", async () => (await status(page)) === "Connected");
  await until("the cards", async () => (await page.locator(".card").count()) === 5);
  return page;
}

async function done(page) {
  assert.deepEqual(page.errors, []);
  await page.context().close();
}

const order = (page) => page.locator("#tiles > .card").evaluateAll((all) => all.map((n) => n.dataset.key).join(""));
const ribbon = (page) => page.locator("#trouble li").allTextContents();
const icon = (page) => page.locator('link[rel="icon"]').getAttribute("href");

test("a wall on which nothing is wrong says nothing of it", async () => {
  tiles();
  const page = await connected();
  assert.equal(await page.locator("#trouble").isVisible(), false);
  assert.equal(await page.title(), "Tilewire");
  assert.equal(await icon(page), "assets/icon.svg");
  assert.equal(await order(page), "abcde");
  assert.equal(await page.locator("[data-status]:is(.card)").count(), 0);
  await done(page);
});

test("a breach comes first, with an edge, a ribbon, the count in title and icon, and goes without a trace", async () => {
  tiles();
  const page = await connected();
  const calm = await card(page, "d").evaluate((n) => getComputedStyle(n).backgroundColor);
  breach();
  await becomes("first", () => order(page), "dabce");
  assert.equal(await card(page, "d").getAttribute("data-status"), "critical");
  assert.notEqual(await card(page, "d").evaluate((n) => getComputedStyle(n).backgroundColor), calm);
  assert.match(await card(page, "d").locator(".age").textContent(), /^critical for 3m/);
  assert.match((await ribbon(page))[0], /^SLA risk: 12 breached, critical for 3m/);
  assert.equal(await page.textContent("#trouble b"), "1 needs attention");
  assert.equal(await page.textContent("#news"), "SLA risk is critical");
  assert.equal(await page.title(), "(1) Tilewire");
  assert.match(await icon(page), /^data:image\/svg\+xml,.*%3E1%3C/);
  stage.put("b", "gauge", { value: 97, min: 0, max: 97, unit: "%" }, { title: "CPU of db-1", ...is("warn", MINUTE + 5000) });
  await becomes("behind what is worse", () => order(page), "dbace");
  assert.match((await ribbon(page))[1], /^CPU of db-1: 97 %, warn for 1m/);
  assert.equal(await page.title(), "(2) Tilewire");
  tiles();
  await becomes("as it was", () => order(page), "abcde");
  assert.equal(await page.locator("#trouble").isVisible(), false);
  assert.equal(await page.title(), "Tilewire");
  assert.equal(await icon(page), "assets/icon.svg");
  await done(page);
});

test("a member of a family that is in trouble is first in its card, and named in the ribbon", async () => {
  tiles();
  const page = await connected();
  stage.put("c/us", "count", { value: 3 }, { title: "By region", group: { by: "payload.region", value: "us" }, ...is("critical", MINUTE + 5000) });
  await becomes("first", () => order(page), "cabde");
  await becomes("first in its card", () => card(page, "c").locator(".name").allTextContents(), ["us", "eu"]);
  await becomes("counted in its head", () => card(page, "c").locator(".age").textContent(), "1 critical");
  assert.match((await ribbon(page))[0], /^By region · us: 3, critical for 1m/);
  stage.remove("c/us");
  await becomes("as it was", () => order(page), "abcde");
  await done(page);
});

test("whether trouble comes first is a choice that the address keeps", async () => {
  tiles();
  breach();
  const page = await connected();
  assert.equal(await order(page), "dabce");
  await page.locator("#trouble-first").click();
  await becomes("in its place", () => order(page), "abcde");
  assert.match(page.url(), /trouble=inplace/);
  await page.reload();
  await until("the cards", async () => (await page.locator(".card").count()) === 5);
  assert.equal(await order(page), "abcde");
  assert.equal(await card(page, "d").getAttribute("data-status"), "critical");
  await page.locator("#trouble li button").click();
  assert.equal(await page.evaluate(() => document.activeElement.closest(".card")?.dataset.key), "d");
  await page.locator("#trouble-first").click();
  await becomes("first again", () => order(page), "dabce");
  assert.doesNotMatch(page.url(), /trouble/);
  await done(page);
});

test("a hidden card is not counted", async () => {
  tiles();
  breach();
  const page = await connected("/?hidden=d");
  assert.equal(await page.locator("#trouble").isVisible(), false);
  await page.locator("#layout-reset").click();
  await becomes("counted", () => page.title(), "(1) Tilewire");
  await done(page);
});

test("a sound is heard once for each new breach, if it is wanted", async () => {
  tiles();
  const page = await connected();
  const rung = () => page.locator("#sound").getAttribute("data-rung");
  breach();
  await becomes("a breach", () => page.title(), "(1) Tilewire");
  assert.equal(await rung(), null, "nobody wants it");
  await page.locator("#sound").click();
  assert.equal(await rung(), "1", "one hears that there is a sound");
  breach();
  stage.put("b", "gauge", { value: 97, min: 0, max: 97, unit: "%" }, { title: "CPU of db-1", ...is("warn") });
  await becomes("a warning", () => page.title(), "(2) Tilewire");
  assert.equal(await rung(), "1");
  stage.put("b", "gauge", { value: 99, min: 0, max: 99, unit: "%" }, { title: "CPU of db-1", ...is("critical") });
  await becomes("a sound", rung, "2");
  await page.reload();
  await until("the cards", async () => (await page.locator(".card").count()) === 5);
  assert.equal(await page.locator("#sound").getAttribute("aria-pressed"), "true");
  assert.equal(await rung(), null, "what was so before one came is no new breach");
  await done(page);
});

const looks = [
  ["wall", { viewport: { width: 2560, height: 1440 } }],
  ["laptop", {}],
  ["phone", { viewport: { width: 390, height: 844 } }],
];
for (const [name, options] of looks) {
  for (const colorScheme of ["dark", "light"]) {
    test(`trouble is accessible, and nothing is cut: ${name}, ${colorScheme}`, async () => {
      tiles();
      breach();
      stage.put("b", "gauge", { value: 97, min: 0, max: 97, unit: "%" }, { title: "CPU of db-1", ...is("warn", MINUTE + 5000) });
      stage.put("c/us", "count", { value: 3 }, { title: "By region", group: { by: "payload.region", value: "us" }, ...is("critical", MINUTE + 5000) });
      const page = await connected("", { ...options, colorScheme });
      await until("the ribbon", () => page.isVisible("#trouble"));
      assert.deepEqual(await wrongsOf(page), []);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth), false);
      await page.screenshot({ path: join(shots, `trouble-${name}-${colorScheme}.png`) });
      await done(page);
    });
  }
}
