// SPDX-License-Identifier: Apache-2.0
// What cards say of the past: that a tile is being built, and that older rows were gone when it was.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { Deployment, becomes, finish, open, shots, status, until, wrongsOf } from "./harness.mjs";

let d;

// A view that takes its time for each row whose summary is read, as long as `pace` says.
const PACED = `CREATE TABLE pace (n); INSERT INTO pace VALUES (1); CREATE VIEW paced AS SELECT id, timestamp, event_type, actor_id, target_id, payload,
  (WITH RECURSIVE c(n) AS (SELECT id UNION ALL SELECT n + 1 FROM c WHERE n < (SELECT n FROM pace)) SELECT count(*) FROM c) AS summary FROM events`;

before(async () => {
  d = await Deployment.create("", "", { source: ", table: paced", schema: PACED });
  for (const region of ["eu", "us", "eu", "us", "us"]) d.insert("order.created", "o", { region });
  d.insert("metrics.updated", null, { metric: "queue.depth", value: 12 });
  d.insert("ticket.opened", "t1", { due_at: new Date(Date.now() + 3600e3).toISOString() });
  d.insert("ticket.opened", "t2", { due_at: new Date(Date.now() - 3600e3).toISOString() });
  d.insert("work_item_created", "w1");
  await d.serves({ "orders.created": { value: 5 }, "orders.by_region/us": { value: 3 }, "queue.depth": { value: 12 }, "tickets.sla": { ok: 1 }, "work.backlog": { total: 1 } });
});
after(async () => { await finish(); await d?.stop(); });

async function dashboard(options) {
  const page = await open(d.url, options);
  await until("the connection", async () => (await status(page)) === "Connected");
  await until("the cards", async () => (await page.locator(".card").count()) >= 6 && (await page.locator("canvas").count()) >= 1);
  return page;
}

async function done(page) {
  assert.deepEqual(page.errors, []);
  await page.context().close();
}

const own = (page, key) => page.locator(`#tiles [data-key="${key}"]`);
const noteOf = (page, key) => own(page, key).locator(".age").textContent();

// Puts a card of each of the gateway's tiles, changed by `change`, in the place of the dashboard's own.
const gallery = (page, change) => page.evaluate(async (members) => {
  const { Card, Family, familyOf } = await import("/assets/tiles.js");
  const { tiles } = await (await fetch("/api/tiles")).json();
  const grid = document.createElement("section");
  grid.className = "grid gallery";
  grid.setAttribute("aria-label", "Gallery");
  const cards = new Map();
  for (const tile of tiles.map((t) => ({ ...t, ...members }))) {
    const key = familyOf(tile) ?? tile.key;
    if (cards.has(key)) cards.get(key).update(tile);
    else cards.set(key, familyOf(tile) ? new Family(tile) : new Card(tile));
    cards.get(key).node.classList.add(tile.type === "trend" ? "w2" : "w1");
  }
  grid.append(...[...cards.values()].map((made) => made.node));
  document.querySelector(".gallery")?.remove();
  document.querySelector("#tiles").hidden = true;
  document.querySelector("#tiles").before(grid);
}, change);

// How large the cards are, on a wide screen and on a phone.
async function sizes(page) {
  const all = [];
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    all.push(await page.locator(".gallery .card").evaluateAll((cards) => cards.map((n) => `${n.dataset.key} ${n.offsetWidth} x ${n.offsetHeight}`)));
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  return all;
}

const notes = (page) => page.locator(".gallery .age").allTextContents();
const whys = (page) => page.locator(".gallery .age").evaluateAll((all) => all.map((n) => n.title));

for (const colorScheme of ["light", "dark"]) {
  test(`every type shows it, and axe-core finds nothing wrong, ${colorScheme}`, async () => {
    const page = await dashboard({ colorScheme, reducedMotion: "reduce" });
    await gallery(page, {});
    const plain = await sizes(page);
    for (const [name, change, text] of [
      ["building", { building: { progress: 0.429 }, complete: true }, "building 42 %"],
      ["partial", { complete: false, since: { position: "41", time: "2024-11-20T12:00:12.345Z" } }, "since Nov 2024"],
    ]) {
      await gallery(page, change);
      // Of what is older than a window and a chart, nothing is missing there.
      const shown = (await notes(page)).filter((note) => note !== "");
      assert.equal(shown.length, (await notes(page)).length - (name === "partial" ? 2 : 0), (await notes(page)).join());
      assert.deepEqual([...new Set(shown)], [text]);
      assert.equal((await whys(page)).filter((why) => why !== "").length, shown.length);
      assert.equal(await page.locator(".gallery [role=progressbar]:visible").count(), name === "building" ? shown.length : 0);
      assert.deepEqual(await wrongsOf(page), []);
      assert.deepEqual(await sizes(page), plain, "nothing moves for the note");
      await page.screenshot({ path: join(shots, `${name}-${colorScheme}.png`) });
      await page.setViewportSize({ width: 390, height: 844 });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing sticks out of a phone");
      await page.screenshot({ path: join(shots, `${name}-${colorScheme}-phone.png`) });
      await page.setViewportSize({ width: 1440, height: 900 });
    }
    await done(page);
  });
}

test("a tile that is stale says that first, and one that knows nothing of the past says nothing", async () => {
  const page = await dashboard();
  await gallery(page, { stale: true, building: { progress: 0.5 } });
  for (const note of await notes(page)) assert.match(note, /^stale for /);
  await gallery(page, { complete: undefined, since: undefined });
  assert.deepEqual([...new Set(await notes(page))], [""]);
  await gallery(page, { complete: false, since: undefined });
  assert.deepEqual([...new Set(await notes(page))], ["incomplete"]);
  await done(page);
});

// Notes what the card of the tile `late` said, here and in a <live-tile>, one after the other.
const watch = (page) => page.evaluate(async () => {
  await import("/assets/live-tile.js");
  const live = document.createElement("live-tile");
  live.setAttribute("key", "late");
  document.querySelector("main").append(live);
  globalThis.seen = { wall: [], live: [] };
  live.addEventListener("tile", () => globalThis.seen.live.push(live.shadowRoot.querySelector(".age").textContent));
  new MutationObserver(() => {
    const late = document.querySelector('#tiles [data-key="late"]');
    if (!late) return;
    const [age, bar, head] = [".age", "[role=progressbar]", ".card-head"].map((what) => late.querySelector(what));
    globalThis.seen.wall.push({ note: age.textContent, why: age.title, bar: !bar.hidden && bar.getAttribute("aria-valuenow"), height: head.getBoundingClientRect().height });
  }).observe(document.querySelector("#tiles"), { subtree: true, childList: true, characterData: true, attributes: true });
});

test("a tile that is being built says so, and then since when it knows the rows", async () => {
  const page = await dashboard();
  await watch(page);
  d.sql("DELETE FROM events WHERE id <= 2; UPDATE pace SET n = 500000");
  d.define(`  - {key: late, type: count, match: {event_type: order.created}}
  - {key: late.window, type: count, match: {event_type: order.created}, window: 100ms}
  - {key: late.region, type: count, match: {event_type: order.created}, group_by: payload.region}
`);
  await until("the date", async () => (await own(page, "late").count()) === 1 && /^since \d\d:\d\d$/.test(await noteOf(page, "late")));
  assert.equal(await own(page, "late").locator(".big").textContent(), "3");
  await until("the family", async () => /^since /.test(await noteOf(page, "late.region")));
  await becomes("no note where those rows would not count", () => noteOf(page, "late.window"), "");
  assert.equal(await noteOf(page, "work.backlog"), "", "the others go on");
  const { wall, live } = await page.evaluate(() => globalThis.seen);
  const built = wall.find(({ note }) => note === "building 0 %");
  assert.equal(built?.bar, "0", JSON.stringify(wall));
  assert.match(built.why, /lacks some/);
  const over = wall.at(-1);
  assert.equal(over.bar, false);
  assert.match(over.why, /^Older rows were gone/);
  assert.equal(over.height, built.height, "nothing moves for the note");
  assert.equal(live[0], "building 0 %");
  assert.match(live.at(-1), /^since /);
  await own(page, "late").locator(".title").click();
  const facts = (await page.locator("#detail dl").allTextContents()).join(" ");
  assert.match(facts, /Sinceposition 3, /);
  assert.match(facts, /Completeno: older rows/);
  await done(page);
});
