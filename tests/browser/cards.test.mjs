// SPDX-License-Identifier: Apache-2.0
// What cards do with many members, long names, negative values, old days, and with a selection.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { becomes, card, finish, open, shots, status, until } from "./harness.mjs";
import { Stage } from "./stage.mjs";

let stage;

before(async () => { stage = await Stage.create(); });
after(async () => { await finish(); await stage?.close(); });

const to = (percent) => `translateX(${percent - 100}%)`;
const member = (family, value, n) => stage.put(`${family}/${encodeURIComponent(value)}`, "count", { value: n }, { title: family, group: { by: "payload.name", value } });

async function connected(path = "/", options = {}) {
  const page = await open(stage.url + path, options);
  await until("the connection", async () => (await status(page)) === "Connected");
  return page;
}

async function done(page) {
  assert.deepEqual(page.errors, []);
  await page.context().close();
}

test("of a family of a thousand only the rows in sight are made, and all of them can be come to", async () => {
  for (let i = 0; i < 1000; i++) member("thousand", `member ${i}`, 1000 - i);
  const page = await connected();
  await becomes("the card", () => card(page, "thousand").locator("li").count(), 12);
  assert.equal(await card(page, "thousand").locator(".age").textContent(), "988 more");
  await card(page, "thousand").locator(".title").click();
  const dialog = page.locator("#detail");
  await until("the first rows", async () => (await dialog.locator("li").count()) >= 100);
  assert.ok((await dialog.locator("li").count()) <= 300, `${await dialog.locator("li").count()} rows`);
  await until("the last", () => dialog.evaluate((n) => {
    const { lastChild, children } = n.querySelector(".bars");
    lastChild.scrollIntoView();
    return children.length === 1000;
  }), 120000);
  assert.equal(await dialog.locator("li").last().locator(".name").textContent(), "member 999");
  member("thousand", "member 999", 5000);
  await becomes("a change", () => dialog.locator("li").first().locator(".name").textContent(), "member 999");
  for (let i = 0; i < 1000; i++) stage.remove(`thousand/${encodeURIComponent(`member ${i}`)}`);
  await done(page);
});

test("a bar is as long as its value, also a negative one and one beside a long name", async () => {
  member("bars", "up", 50);
  member("bars", "down", 20);
  member("bars", "a name that is so long that there is no room for it anywhere on a card", 30);
  const page = await connected();
  const bars = () => card(page, "bars").locator("li").evaluateAll((all) => all.map((n) => {
    const { firstChild: fill, clientWidth } = n.querySelector(".meter");
    return [n.querySelector(".name").textContent.slice(0, 6), fill.style.transform, fill.classList.contains("negative"), clientWidth >= 40];
  }));
  await becomes("the bars", bars, [["up", to(100), false, true], ["a name", to(60), false, true], ["down", to(40), false, true]]);
  member("bars", "down", -100);
  await becomes("a negative one", bars, [["up", to(50), false, true], ["a name", to(30), false, true], ["down", to(100), true, true]]);
  assert.match(await card(page, "bars").locator(".name").nth(1).getAttribute("title"), /anywhere on a card$/);
  await page.screenshot({ path: join(shots, "bars.png") });
  await done(page);
});

test("items whose clock stands still are counted where a tile has such, and there alone", async () => {
  stage.put("clocks", "sla_risk", { ok: 4, at_risk: 1, breached: 2, worst: [] });
  const page = await connected();
  const counts = () => card(page, "clocks").locator(".sla > div").evaluateAll((all) => all.map((n) => [n.className, n.querySelector("b").textContent, n.lastChild.textContent]));
  const others = [["breached", "2", "breached"], ["at_risk", "1", "at risk"], ["ok", "4", "ok"]];
  await becomes("the counts", counts, others);
  stage.put("clocks", "sla_risk", { ok: 4, at_risk: 1, breached: 2, paused: 12, worst: [] });
  await becomes("the paused ones", counts, [...others, ["paused", "12", "paused"]]);
  const tops = await card(page, "clocks").locator(".sla > div").evaluateAll((all) => new Set(all.map((n) => n.offsetTop)).size);
  assert.equal(tops, 1, "all stand in one row");
  await page.screenshot({ path: join(shots, "paused.png") });
  await done(page);
});

test("what is on a card can be selected, and stays selected while its list changes", async () => {
  const due = (ms) => new Date(Date.now() + ms).toISOString();
  const risk = (breached) => stage.put("risk", "sla_risk", { ok: 1, at_risk: 1, breached, worst: [{ id: "ticket-4711", due_at: due(600000) }, { id: "ticket-4712", due_at: due(900000) }] });
  risk(1);
  const page = await connected();
  const name = card(page, "risk").locator(".name").first();
  const { x, y, width, height } = await name.boundingBox();
  await page.mouse.move(x + 1, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + width - 1, y + height / 2, { steps: 5 });
  await page.mouse.up();
  const selected = () => page.evaluate(() => globalThis.getSelection().toString());
  assert.match(await selected(), /icket-471/);
  risk(2);
  await becomes("the change", () => card(page, "risk").locator(".breached b").textContent(), "2");
  assert.match(await selected(), /icket-471/);
  await done(page);
});

test("days have dates, and times are those of the zone that the address names", async () => {
  const DAY = 86400000;
  const today = Math.floor(Date.now() / DAY) * DAY;
  stage.put("daily", "trend", { step_ms: DAY, aggregate: "count", points: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [today - i * DAY, i + 1])) });
  const page = await connected("/?tz=Asia/Tokyo", { locale: "en-GB", timezoneId: "America/New_York" });
  await until("the chart", async () => (await page.locator("canvas").count()) === 1);
  const box = await card(page, "daily").locator(".u-over").boundingBox();
  await page.mouse.move(box.x + 2, box.y + box.height / 2);
  const first = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "Asia/Tokyo" }).format(today - 19 * DAY);
  await becomes("the tip", () => card(page, "daily").locator(".tip").textContent(), `${first}  20`);
  const at = new Date(Date.now() - 3 * DAY);
  stage.say("/api/events/stream", "message", { id: 1, timestamp: at.toISOString(), event_type: "x", actor_id: null, target_id: null, summary: null }, "1");
  const shown = `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "Asia/Tokyo" })} ${at.toLocaleTimeString("en-GB", { timeZone: "Asia/Tokyo" })}`;
  await becomes("the event's day and time", () => page.locator("#events .time").first().textContent(), shown);
  await done(page);
});
