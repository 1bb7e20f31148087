// SPDX-License-Identifier: Apache-2.0
// What drawings make of change, of many states, of what is divided further, and of a system's own colours.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";
import { becomes, card, finish, open, until, wrongsOf } from "./harness.mjs";
import { Stage } from "./stage.mjs";

let stage;

beforeEach(async () => { stage = await Stage.create(); });
afterEach(async () => { await stage.close(); });
after(finish);

async function connected(options = {}) {
  const page = await open(stage.url, options);
  await until("the cards", async () => (await page.locator(".card").count()) > 0);
  return page;
}

async function done(page) {
  assert.deepEqual(page.errors, []);
  await page.context().close();
}

const STEP = 3600000; // so long that no bucket ends during a test, unless it is said that one has

test("the number of a trend is that of the last full bucket, and the running one stands beside it", async () => {
  const hour = Math.floor(Date.now() / STEP) * STEP;
  stage.skewMs = hour + STEP / 2 - Date.now();
  const put = (points) => stage.put("rate", "trend", { step_ms: STEP, aggregate: "count", points });
  put({ [hour - STEP]: 40, [hour]: 3 });
  const page = await connected();
  const seen = async () => [await card(page, "rate").locator(".big").textContent(), await card(page, "rate").locator(".aside").textContent(), await card(page, "rate").locator(".ghost").textContent()];
  await becomes("the number", seen, ["40", "last full 1h", "3 so far"]);
  put({ [hour - STEP]: 40, [hour]: 4 });
  await becomes("the running one", seen, ["40", "last full 1h", "4 so far"]);
  stage.skewMs += STEP;
  stage.beat();
  put({ [hour - STEP]: 40, [hour]: 9 });
  await becomes("the next step, which falls to no 0", seen, ["9", "last full 1h", "0 so far"]);
  stage.put("load", "trend", { step_ms: STEP, aggregate: "avg", points: { [hour - STEP]: 2.5 } });
  await until("an average without a row in the last buckets", async () => (await card(page, "load").locator(".big").textContent()) === "2.5");
  assert.equal(await card(page, "load").locator(".ghost").textContent(), "");
  await done(page);
});

test("a change tints the ground and says by how much, and the number keeps its colour", async () => {
  stage.put("orders", "count", { value: 12 });
  stage.put("risk", "sla_risk", { ok: 5, at_risk: 0, breached: 12, worst: [] });
  const page = await connected();
  await becomes("the number", () => card(page, "orders").locator(".big").textContent(), "12");
  const looks = (key, of) => card(page, key).locator(of).evaluate((n) => [getComputedStyle(n).color, getComputedStyle(n).opacity]);
  const earlier = await looks("risk", ".breached b");
  await page.evaluate(() => {
    globalThis.seen = [];
    new MutationObserver(() => {
      const [number, delta] = [document.querySelector(".breached b"), document.querySelector(".breached .delta")];
      if (number.classList.contains("changed")) globalThis.seen.push([delta.textContent, getComputedStyle(number).color, getComputedStyle(number).opacity, getComputedStyle(number).animationName]);
    }).observe(document.querySelector("#tiles"), { subtree: true, childList: true, attributes: true, characterData: true });
  });
  stage.put("risk", "sla_risk", { ok: 5, at_risk: 0, breached: 15, worst: [] });
  await until("the mark", () => page.evaluate(() => globalThis.seen.some(([delta]) => delta === "▲3")));
  for (const [, color, opacity] of await page.evaluate(() => globalThis.seen)) assert.deepEqual([color, opacity], earlier);
  assert.equal(await page.evaluate(() => globalThis.seen.at(-1)[3]), "changed");
  await until("its end", async () => (await card(page, "risk").locator(".breached .delta").textContent()) === "");
  stage.put("orders", "count", { value: 10 });
  await until("a fall", async () => (await card(page, "orders").locator(".delta").textContent()) === "▼2");
  await done(page);
});

test("bars move and are never laid out anew", async () => {
  const put = (n) => {
    stage.put("depth", "gauge", { value: n, min: 0, max: 100 });
    stage.put("work", "backlog", { total: 100, buckets: { open: n, blocked: 100 - n } });
    for (const value of ["a", "b"]) stage.put(`family/${value}`, "count", { value: value === "a" ? n : 50 }, { group: { by: "x", value } });
  };
  put(20);
  const page = await connected();
  const bars = () => page.locator(".fill, .stack > div").evaluateAll((all) => all.filter((n) => n.offsetParent).map((n) => [n.style.width, n.style.flexGrow, n.style.transform !== "", getComputedStyle(n).transitionProperty]));
  await until("the bars", async () => (await bars()).length === 5);
  await page.evaluate(() => {
    globalThis.moved = [];
    document.addEventListener("transitionrun", (event) => globalThis.moved.push(event.propertyName));
  });
  put(70);
  await until("their motion", () => page.evaluate(() => globalThis.moved.length >= 3));
  assert.deepEqual(await page.evaluate(() => [...new Set(globalThis.moved)]), ["transform"]);
  assert.deepEqual([...new Set((await bars()).map(String))], [",,true,transform"]);
  await done(page);
});

test("each of fourteen states looks different", async () => {
  stage.put("work", "backlog", { total: 105, buckets: Object.fromEntries(Array.from({ length: 14 }, (_, i) => [`state_${i}`, i + 1])) });
  for (const colorScheme of ["light", "dark"]) {
    const page = await connected({ colorScheme });
    const looks = await card(page, "work").locator(".legend i").evaluateAll((all) => all.map((n) => `${getComputedStyle(n).backgroundColor} ${getComputedStyle(n).backgroundImage}`));
    assert.equal(new Set(looks).size, 14, looks.join("\n"));
    const parts = await card(page, "work").locator(".stack > div").evaluateAll((all) => all.map((n) => `${getComputedStyle(n).backgroundColor} ${getComputedStyle(n).backgroundImage}`));
    assert.deepEqual(parts, looks);
    await done(page);
  }
});

test("a backlog shows how it is divided: the largest on the card, all in the large view", async () => {
  const breakdown = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`team ${i}`, { open: i + 1, blocked: 1 }]));
  stage.put("work", "backlog", { total: 44, buckets: { open: 36, blocked: 8 }, breakdown: { ...breakdown, "": { open: 1, blocked: 0 }, gone: { open: 0, blocked: 0 } } });
  const page = await connected();
  const rows = (place) => place.locator(".parts li:not(.more)").evaluateAll((all) => all.map((n) => `${n.querySelector(".name").textContent} ${n.querySelector("b").textContent}`));
  await becomes("the largest", () => rows(card(page, "work").first()), ["team 7 9", "team 6 8", "team 5 7", "team 4 6", "team 3 5"]);
  assert.equal(await card(page, "work").locator(".parts .more").textContent(), "4 more");
  assert.equal(await card(page, "work").locator(".parts .stack").first().getAttribute("aria-label"), "open 8, blocked 1");
  const width = (n) => card(page, "work").locator(".parts .stack").nth(n).evaluate((node) => node.getBoundingClientRect().width);
  assert.ok(Math.abs((await width(4)) / (await width(0)) - 5 / 9) < 0.02);
  await card(page, "work").locator(".title").click();
  await becomes("all of them", async () => (await rows(page.locator("#detail"))).slice(-2), ["team 0 2", "none 1"]);
  assert.deepEqual(await wrongsOf(page), []);
  await done(page);
});

test("with the system's own colours bars can be seen, and what is wrong can be read", async () => {
  stage.put("depth", "gauge", { value: 60, min: 0, max: 100 });
  stage.put("work", "backlog", { total: 100, buckets: { open: 70, blocked: 30 } });
  stage.put("risk", "sla_risk", { ok: 5, at_risk: 1, breached: 12, worst: [] }, { status: "critical", status_since: stage.time() });
  const page = await connected({ forcedColors: "active" });
  await until("the ribbon", () => page.isVisible("#trouble"));
  const ground = (of) => page.locator(of).first().evaluate((n) => getComputedStyle(n).backgroundColor);
  assert.notEqual(await ground(".meter .fill"), await ground(".meter"));
  assert.equal(new Set(await page.locator(".stack > div").evaluateAll((all) => all.map((n) => getComputedStyle(n).backgroundColor))).size, 2);
  for (const of of ["#trouble b", ".breached b"]) {
    const [text, behind] = await page.locator(of).evaluate((n) => [getComputedStyle(n).color, getComputedStyle(document.body).backgroundColor]);
    assert.notEqual(text, behind, of);
  }
  await done(page);
});

test("events of a type that the tile names are marks on its line, from before and as they come", async () => {
  const now = Math.floor(Date.now() / 10000) * 10000;
  const event = (id, type, at, summary) => ({ id, timestamp: new Date(at).toISOString(), event_type: type, actor_id: "ada", target_id: null, summary });
  stage.events = [event(1, "deploy.done", now - 60000, "version 7"), event(2, "order.created", now - 50000, "no mark")];
  stage.put("rate", "trend", { step_ms: 10000, aggregate: "count", points: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [now - i * 10000, 5])) }, { display: { order: 0, annotations: "deploy.*" } });
  const page = await connected({ init: `globalThis.drawn = [];
    const { lineTo } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.lineTo = function (x, y) { if (this.getLineDash()[0] === 2) globalThis.drawn.push(Math.round(x)); return lineTo.call(this, x, y); };` });
  await page.locator("canvas").waitFor();
  const marks = async () => {
    await page.evaluate(() => { globalThis.drawn = []; });
    await page.click("#theme"); // draws everything anew
    return page.evaluate(() => new Set(globalThis.drawn).size / 2); // the line and the far corner of the triangle
  };
  await becomes("the mark from before", marks, 1);
  stage.say("/api/events/stream", "message", event(3, "deploy.done", now - 20000, "version 8"), "3");
  await becomes("one that has come", marks, 2);
  const box = await card(page, "rate").locator(".u-over").boundingBox();
  const tips = new Set();
  for (let x = 1; x < box.width; x += 4) {
    await page.mouse.move(box.x + x, box.y + 20);
    tips.add((await card(page, "rate").locator(".tip").textContent()).split(" · ")[1]?.split(",")[0]);
  }
  assert.deepEqual([...tips].filter(Boolean), ["version 7", "version 8"]);
  await done(page);
});

test("a title that is cut on its card is whole in its tooltip, and in the large view", async () => {
  const title = "Events since the beginning of the universe, in the whole of the world, and far beyond it";
  stage.put("long", "count", { value: 1 }, { title });
  for (let i = 0; i < 7; i++) stage.put(`other.${i}`, "count", { value: 1 }); // so that it is no wider than the others
  const page = await connected();
  const cut = (place) => place.locator(".title").evaluate((n) => n.scrollWidth > n.clientWidth);
  assert.equal(await cut(card(page, "long")), true);
  assert.equal(await card(page, "long").locator(".title").getAttribute("title"), `${title}\nlong`);
  await card(page, "long").locator(".title").click();
  await becomes("the whole title", () => page.locator("#detail .title").textContent(), title);
  assert.equal(await cut(page.locator("#detail")), false);
  await done(page);
});
