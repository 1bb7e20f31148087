// SPDX-License-Identifier: Apache-2.0
// What outlives a reload, what a screen shows that nobody touches, and what can be taken away: a print, a picture.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, beforeEach, test } from "node:test";
import { becomes, card, finish, open, until, wrongsOf } from "./harness.mjs";
import { Stage } from "./stage.mjs";

let stage;

beforeEach(async () => {
  stage = await Stage.create();
  stage.put("orders.open", "count", { value: 7 });
  stage.put("orders.late", "count", { value: 8 });
  stage.put("queue", "gauge", { value: 9, min: 0, max: 10 });
  for (const value of ["eu", "us"]) stage.put(`regions/${value}`, "count", { value: 1 }, { group: { by: "payload.region", value } });
});
afterEach(async () => { await stage.close(); });
after(finish);

async function connected(path = "", options = {}) {
  const page = await open(stage.url + path, options);
  await until("the cards", async () => (await page.locator("#tiles .card").count()) === 4);
  return page;
}

async function done(page) {
  assert.deepEqual(page.errors, []);
  await page.context().close();
}

const shown = (page) => page.locator("#tiles .card:visible").evaluateAll((all) => all.map((n) => n.dataset.key));

test("a reload keeps the theme, the search and the group", async () => {
  const page = await connected("", { colorScheme: "light" });
  await page.click("#theme");
  await page.fill("#search", "regions");
  await page.selectOption("#group", { label: "region: us" });
  await page.reload();
  await becomes("the search", () => shown(page), ["regions"]);
  assert.equal(await page.inputValue("#search"), "regions");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await becomes("the group", () => card(page, "regions").locator("li .name").allTextContents(), ["us"]);
  await page.fill("#search", "");
  await page.selectOption("#group", "");
  assert.equal(new URL(page.url()).search, "");
  await done(page);
});

test("a theme is there before anything is drawn", async () => {
  const page = await connected("?theme=dark", { colorScheme: "light", init: "new MutationObserver(() => { globalThis.first ??= document.body && document.documentElement.dataset.theme; }).observe(document, { childList: true, subtree: true });" });
  assert.equal(await page.evaluate(() => globalThis.first), "dark");
  await done(page);
});

test("a kiosk has no header, stays awake, and says what is wrong", async () => {
  const page = await connected("?kiosk=1", { init: `globalThis.locks = 0;
    Object.defineProperty(navigator, "wakeLock", { value: { request: async (what) => { globalThis.locks += what === "screen"; return { release() { globalThis.locks -= 1; } }; } } });` });
  for (const of of ["#refresh", "#search", "header img"]) assert.equal(await page.isVisible(of), false, of);
  await until("the status, which is no news while all is well", async () => !(await page.isVisible("#status")));
  assert.ok((await page.locator("header").boundingBox()).height < 2);
  await becomes("the lock", () => page.evaluate(() => globalThis.locks), 1);
  stage.put("queue", "gauge", { value: 99, min: 0, max: 100 }, { status: "critical", status_since: stage.time() });
  await until("the ribbon", () => page.isVisible("#trouble"));
  assert.deepEqual(await wrongsOf(page), []);
  await page.keyboard.press("k");
  await until("the header", () => page.isVisible("#search"));
  await becomes("no lock", () => page.evaluate(() => globalThis.locks), 0);
  assert.equal(new URL(page.url()).search, "");
  await done(page);
});

const VIEWS = { views: [{ name: "orders", query: "show=orders.*&order=orders.open" }, { name: "queues", query: "?show=queue" }] };

test("a view that the gateway knows is shown by its name, and can be left", async () => {
  stage.views = VIEWS;
  const page = await connected("?view=orders");
  await becomes("its tiles in its order", () => shown(page), ["orders.open", "orders.late"]);
  await page.selectOption("#view", "queues");
  await becomes("another view", () => shown(page), ["queue"]);
  assert.equal(new URL(page.url()).search, "?view=queues");
  assert.deepEqual(await wrongsOf(page), []);
  await page.selectOption("#view", "");
  await becomes("all", async () => (await shown(page)).length, 4);
  await done(page);
});

test("a kiosk shows several views, one after the other", async () => {
  stage.views = VIEWS;
  const page = await connected("?kiosk=1&views=queues,orders,unknown&every=1s");
  for (let i = 0; i < 2; i++) {
    await becomes("one", () => shown(page), ["queue"]);
    await becomes("the other", () => shown(page), ["orders.open", "orders.late"]);
  }
  await done(page);
});

test("a page that is open during an upgrade loads itself anew, once, and not while something is open", async () => {
  const page = await connected("", { clock: true });
  await page.evaluate(() => { globalThis.old = true; });
  const old = () => page.evaluate(() => globalThis.old === true);
  stage.edition = "000000000001";
  stage.beat();
  await page.keyboard.press("?");
  stage.edition = "000000000002";
  stage.beat();
  await until("the heartbeat", () => page.evaluate(async () => (await import("/assets/app.js")).edition.newest === "000000000002"));
  await page.clock.fastForward(11000);
  assert.equal(await old(), true);
  await page.keyboard.press("Escape");
  await page.clock.fastForward(11000);
  await until("the new page", async () => !(await old().catch(() => true)));
  await until("the cards", async () => (await page.locator("#tiles .card").count()) === 4);
  await done(page);
});

test("the keys are told by a key, and by a button", async () => {
  const page = await connected();
  await page.keyboard.press("?");
  await until("the help", () => page.isVisible("#help"));
  assert.match(await page.textContent("#help"), /full screen.*kiosk.*hide the tile/s);
  assert.deepEqual(await wrongsOf(page), []);
  await page.keyboard.press("Escape");
  await until("its end", async () => !(await page.isVisible("#help")));
  await page.click("#keys");
  await page.click("#help .close");
  await until("its end", async () => !(await page.isVisible("#help")));
  await done(page);
});

test("what is printed is light, without buttons, and whole", async () => {
  const page = await connected("?theme=dark");
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.isVisible("#refresh"), false);
  assert.equal(await page.isVisible("#search"), false);
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector(".card")).backgroundColor), "rgb(255, 255, 255)");
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector(".table-wrap")).maxHeight), "none");
  assert.ok((await page.pdf()).length > 5000);
  await done(page);
});

test("a card can be saved as a picture, with its chart", async () => {
  stage.put("queue", "trend", { step_ms: 10000, aggregate: "count", points: { [Math.floor(Date.now() / 10000) * 10000 - 20000]: 5 } });
  const page = await connected();
  await card(page, "queue").locator(".title").click();
  await page.locator("#detail canvas").waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#detail .save")]);
  assert.equal(download.suggestedFilename(), "queue.png");
  const png = readFileSync(await download.path());
  const { width, height } = await page.locator("#detail .card").boundingBox();
  assert.deepEqual([png.toString("latin1", 1, 4), Math.round(png.readUInt32BE(16) / 2), Math.round(png.readUInt32BE(20) / 2)], ["PNG", Math.round(width), Math.round(height)]);
  // A ground, a text, and the line of the chart: more than two colours are in it.
  const colours = await page.evaluate(async (bytes) => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(bytes)]));
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return new Set(new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer)).size;
  }, [...png]);
  assert.ok(colours > 20, `${colours} colours`);
  await done(page);
});
