// SPDX-License-Identifier: Apache-2.0
// What people do with the dashboard: lay it out, look closer, filter, by mouse, keys and screen reader.
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { Deployment, becomes, card, finish, open, shots, status, until, wrongsOf } from "./harness.mjs";

let d;

before(async () => {
  d = await Deployment.create();
  for (const region of ["eu", "eu", "us"]) d.insert("order.created", "o", { region });
  d.insert("metrics.updated", null, { metric: "queue.depth", value: 12 });
  d.insert("ticket.opened", "t1", { due_at: new Date(Date.now() + 3600e3).toISOString() });
  d.insert("ticket.opened", "t2", { due_at: new Date(Date.now() - 3600e3).toISOString() });
  d.insert("work_item_created", "w1");
  await d.serves({
    "orders.created": { value: 3 }, "orders.by_region/eu": { value: 2 }, "orders.by_region/us": { value: 1 },
    "queue.depth": { value: 12 }, "tickets.sla": { ok: 1, breached: 1 }, "work.backlog": { total: 1 },
  });
});
after(async () => { await finish(); await d.stop(); });

async function dashboard(path = "/", options) {
  const page = await open(d.url + path, options);
  await until("the connection", async () => (await status(page)) === "Connected");
  await until("all cards", async () => (await page.locator(".card").count()) === 6 && (await page.locator("canvas").count()) === 1);
  return page;
}

const shown = (page) => page.locator("#tiles .card:visible").evaluateAll((all) => all.map((n) => n.dataset.key));

async function done(page) {
  assert.deepEqual(page.errors, []);
  await page.context().close();
}

for (const colorScheme of ["light", "dark"]) {
  test(`nothing that axe-core finds wrong, ${colorScheme}`, async () => {
    const page = await dashboard("/", { colorScheme, reducedMotion: "reduce" });
    assert.deepEqual(await wrongsOf(page), []);
    await card(page, "orders.rate").locator(".title").click();
    await until("the large chart", async () => (await page.locator("#detail canvas").count()) === 1);
    assert.deepEqual(await wrongsOf(page), []);
    await page.screenshot({ path: join(shots, `detail-${colorScheme}.png`) });
    await done(page);
  });
}

test("the layout follows mouse and keys, and the URL keeps it", async () => {
  const page = await dashboard();
  assert.deepEqual(await shown(page), ["orders.created", "orders.rate", "queue.depth", "tickets.sla", "work.backlog", "orders.by_region"]);
  await card(page, "work.backlog").locator(".title").focus();
  await page.keyboard.press("Shift+ArrowLeft");
  assert.deepEqual((await shown(page)).slice(-3), ["work.backlog", "tickets.sla", "orders.by_region"]);
  await page.keyboard.press("+");
  await page.keyboard.press("t");
  assert.match(await card(page, "work.backlog").getAttribute("class"), /\bw2\b.*\bh2\b/);
  await card(page, "queue.depth").locator(".title").focus();
  await page.keyboard.press("h");
  await card(page, "tickets.sla").locator(".card-head").dragTo(card(page, "orders.created"), { targetPosition: { x: 5, y: 60 } });
  await until("the drop", async () => (await shown(page))[0] === "tickets.sla");
  const expected = ["tickets.sla", "orders.created", "orders.rate", "work.backlog", "orders.by_region"];
  assert.deepEqual(await shown(page), expected);
  const other = await dashboard(new URL(page.url()).search === "" ? "/lost" : `/${new URL(page.url()).search}`);
  assert.deepEqual(await shown(other), expected);
  assert.match(await card(other, "work.backlog").getAttribute("class"), /\bw2\b.*\bh2\b/);
  await other.click("#layout-reset"); // shows what is hidden
  assert.equal((await shown(other)).length, 6);
  await other.click("#layout-reset"); // all as at first
  assert.equal(new URL(other.url()).search, "");
  await done(other);
  await done(page);
});

test("a tile opens large, with what is known of it, and stays live", async () => {
  const page = await dashboard();
  await card(page, "orders.created").locator(".title").focus();
  await page.keyboard.press("Enter");
  const dialog = page.locator("#detail");
  await until("the large number", async () => /^\d+$/.test(await dialog.locator(".big").textContent()));
  await until("its definition", async () => (await dialog.locator(".defined dt").count()) > 0);
  const earlier = Number(await dialog.locator(".big").textContent());
  d.insert("order.created", "o", { region: "eu" });
  await until("its change", async () => Number(await dialog.locator(".big").textContent()) === earlier + 1);
  for (const word of ["matchevent_type: order.created", "orders.created", "Window5m", "Version", "As of", "Time to live", "End-to-end lag"]) {
    await until(word, async () => (await dialog.locator("dl").allTextContents()).join(" ").includes(word));
  }
  await page.keyboard.press("Escape");
  await until("its end", async () => !(await dialog.isVisible()));
  await card(page, "orders.by_region").locator(".title").click();
  await becomes("the family's bars", () => dialog.locator(".bars li").count(), 2);
  await dialog.locator(".close").click();
  await done(page);
});

test("search and groups", async () => {
  const page = await dashboard();
  await page.keyboard.press("/");
  await page.keyboard.type("backlog");
  assert.deepEqual(await shown(page), ["work.backlog"]);
  assert.equal(await page.isVisible("#empty"), false);
  await page.fill("#search", "nothing of the kind");
  assert.deepEqual(await shown(page), []);
  assert.equal(await page.textContent("#empty"), "No tile is found by “nothing of the kind”.");
  assert.match(await card(page, "work.backlog").locator(".title").getAttribute("title"), /^Backlog\nwork\.backlog$/);
  await page.fill("#search", "");
  assert.equal(await page.isVisible("#empty"), false);
  await page.selectOption("#group", { label: "region: us" });
  assert.deepEqual(await card(page, "orders.by_region").locator("li .name").allTextContents(), ["us"]);
  await page.selectOption("#group", "");
  assert.equal((await shown(page)).length, 6);
  await done(page);
});

test("hovering over a chart shows value and time", async () => {
  const page = await dashboard();
  const box = await card(page, "orders.rate").locator("canvas").boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await until("the tip", async () => /\d\d:\d\d:\d\d\s+\d/.test(await card(page, "orders.rate").locator(".tip").textContent()));
  await done(page);
});

test("all assets fit 120 KB compressed, and are served with ETags and a strict policy", async () => {
  const page = await open(d.url);
  await until("the connection", async () => (await status(page)) === "Connected");
  let size = 0;
  for (const url of new Set(page.requests.filter((u) => !u.includes("/api/")))) {
    const answer = await fetch(url);
    const etag = answer.headers.get("etag");
    assert.match(etag, /^"/, url);
    assert.match(answer.headers.get("content-security-policy"), /default-src 'none'/);
    assert.equal((await fetch(url, { headers: { "If-None-Match": etag } })).status, 304);
    size += gzipSync(Buffer.from(await answer.arrayBuffer())).length;
  }
  assert.ok(size > 20000 && size < 120000, `${size} bytes`);
  // Cold: a context of its own has nothing cached. The best of a few, for the machine may be busy with other things.
  const paints = [];
  while (paints.length < 5 && !(Math.min(...paints) < 1000)) {
    const cold = await open(d.url);
    paints.push(await until("a first paint", () => cold.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime)));
    await cold.context().close();
  }
  assert.ok(Math.min(...paints) < 1000, `first paints after ${paints} ms`);
  await done(page);
});

test("a change is seen for a moment, and stands still for those who want no motion", async () => {
  for (const [reducedMotion, moves] of [["no-preference", true], ["reduce", false]]) {
    const page = await dashboard("/", { reducedMotion });
    const number = card(page, "orders.created").locator(".big");
    const earlier = await number.textContent();
    await page.evaluate(() => {
      globalThis.moved = [];
      const watch = (event) => globalThis.moved.push(event.animationName ?? event.propertyName);
      for (const type of ["animationstart", "transitionrun"]) document.addEventListener(type, watch);
    });
    d.insert("order.created", "o", { region: "eu" });
    d.insert("metrics.updated", null, { metric: "queue.depth", value: moves ? 13 : 14 });
    await until("the change", async () => (await number.textContent()) !== earlier && /1[34]/.test(await card(page, "queue.depth").locator(".big").textContent()));
    if (moves) await until("its motion", () => page.evaluate(() => globalThis.moved.includes("changed")));
    else assert.deepEqual(await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(globalThis.moved))))), []);
    await done(page);
  }
});

test("live regions do not chatter: only the connection is told, and what becomes trouble", async () => {
  const page = await dashboard();
  const regions = () => page.locator("[aria-live], [role=status], [role=alert], [role=log], output").evaluateAll((all) => all.map((n) => `${n.id}: ${n.textContent}`));
  const earlier = await regions();
  assert.deepEqual(earlier, ["status: Connected", "news: "]);
  const number = card(page, "orders.created").locator(".big");
  const was = await number.textContent();
  d.insert("order.created", "o", { region: "us" });
  await until("the change", async () => (await number.textContent()) !== was);
  assert.deepEqual(await regions(), earlier);
  await done(page);
});

test("everything is reached by the keyboard alone, and says what it is", async () => {
  const page = await dashboard();
  const names = [];
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press("Tab");
    const name = await page.evaluate(() => {
      const at = document.activeElement;
      return at === document.body ? null : at.ariaLabel ?? at.labels?.[0]?.textContent.trim().slice(0, 20) ?? at.textContent;
    });
    if (name === null) break;
    names.push(name);
  }
  for (const name of ["Search tiles", "Full screen", "Switch between light and dark", "Refresh", "Orders in 5 min", "SLA risk", "Backlog", "Pause", "Table of events"]) {
    assert.ok(names.includes(name), `${name} among ${names.join(" | ")}`);
  }
  await done(page);
});

test("full screen, by key and button", async () => {
  const page = await dashboard();
  const full = () => page.evaluate(() => document.fullscreenElement !== null);
  await page.keyboard.press("f");
  await until("full screen", full);
  await page.click("#fullscreen");
  await until("the window again", async () => !(await full()));
  await done(page);
});
