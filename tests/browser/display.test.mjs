// SPDX-License-Identifier: Apache-2.0
// What a definition says of how its tile is seen: where it stands, how its number is written, and where it leads to.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";
import { join } from "node:path";
import { becomes, card, finish, open, shots, until, wrongsOf } from "./harness.mjs";
import { Stage } from "./stage.mjs";

let stage;

beforeEach(async () => { stage = await Stage.create(); });
afterEach(async () => { await stage.close(); });
after(finish);

const seen = (display, more = {}) => ({ display, ...more });

function tiles() {
  const due = new Date(stage.now() + 3600000).toISOString();
  stage.put("z.orders", "count", { value: 1234.5 }, seen({ order: 0, unit: "EUR", format: "currency" }));
  stage.put("b.errors", "count", { value: 0.0312 }, seen({ order: 1, group: "Platform", format: "percent", decimals: 1, link: "https://wiki.example/errors?of={group}" }));
  stage.put("c.tickets", "sla_risk", { ok: 1, at_risk: 0, breached: 0, worst: [{ id: "t/17 ü", due_at: due }] }, seen({ order: 2, group: "Support", item_link: "https://tickets.example/{id}" }));
  stage.put("a.hosts/db 1", "count", { value: 7 }, seen({ order: 3, group: "Platform", item_link: "https://hosts.example/{id}" }, { group: { by: "payload.host", value: "db 1" } }));
  stage.put("y.disk", "gauge", { value: 8412345678, min: 0, max: 9e9 }, seen({ order: 4, group: "Support", format: "bytes", decimals: 1 }));
  stage.put("x.bad", "count", { value: 1 }, seen({ order: 5, link: "javascript:alert(1)" }));
}

async function connected(path = "", options = {}) {
  const page = await open(stage.url + path, options);
  await until("the cards", async () => (await page.locator(".card").count()) === 6);
  return page;
}

async function done(page) {
  assert.deepEqual(page.errors, []);
  await page.context().close();
}

const wall = (page) => page.locator("#tiles > :not([hidden])").evaluateAll((all) => all.map((n) => n.dataset.key ?? `# ${n.textContent}`));
const WALL = ["z.orders", "x.bad", "# Platform", "b.errors", "a.hosts", "# Support", "c.tickets", "y.disk"];

test("tiles stand in the order of the file, those of a group together under their heading", async () => {
  tiles();
  const page = await connected();
  assert.deepEqual(await wall(page), WALL);
  await page.fill("#search", "disk");
  assert.deepEqual(await wall(page), ["# Support", "y.disk"]);
  await page.fill("#search", "");
  stage.put("c.tickets", "sla_risk", { ok: 1, at_risk: 0, breached: 2, worst: [] }, seen({ order: 2, group: "Support" }, { status: "critical", status_since: stage.time() }));
  await becomes("first", () => wall(page), ["c.tickets", "z.orders", "x.bad", "# Platform", "b.errors", "a.hosts", "# Support", "y.disk"]);
  tiles();
  await becomes("as it was", () => wall(page), WALL);
  await card(page, "y.disk").locator(".title").focus();
  await page.keyboard.press("Shift+ArrowLeft");
  assert.deepEqual((await wall(page)).slice(5), ["# Support", "y.disk", "c.tickets"]);
  stage.remove("y.disk");
  stage.remove("c.tickets");
  await becomes("no heading without a card", () => wall(page), WALL.slice(0, 5));
  await done(page);
});

test("numbers are written as the definition says", async () => {
  tiles();
  const page = await connected();
  const figure = async (key) => `${await card(page, key).locator(".big").textContent()}${await card(page, key).locator(".unit").textContent()}`;
  assert.equal(await figure("z.orders"), "€1,234.50");
  assert.equal(await figure("b.errors"), "3.1 %");
  assert.equal(await figure("y.disk"), "8.4 GB");
  await done(page);
});

test("tiles and items lead to where the definition says, and nowhere else", async () => {
  tiles();
  const page = await connected();
  const address = (key, of) => card(page, key).locator(of).getAttribute("href");
  assert.equal(await address("b.errors", ".link"), "https://wiki.example/errors?of=");
  assert.equal(await address("c.tickets", ".worst a"), "https://tickets.example/t%2F17%20%C3%BC");
  assert.equal(await card(page, "c.tickets").locator(".worst a").textContent(), "t/17 ü");
  assert.equal(await address("a.hosts", ".bars a"), "https://hosts.example/db%201");
  assert.equal(await address("x.bad", ".link"), null);
  assert.equal(await card(page, "x.bad").locator(".link").isVisible(), false);
  await done(page);
});

for (const [name, options] of [["wall", { viewport: { width: 2560, height: 1440 }, colorScheme: "dark" }], ["laptop", { colorScheme: "light" }], ["phone", { viewport: { width: 390, height: 844 } }]]) {
  test(`headings and links are accessible, and nothing is cut: ${name}`, async () => {
    tiles();
    const page = await connected("", options);
    assert.deepEqual(await wrongsOf(page), []);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth), false);
    const tops = await page.locator("#tiles > *").evaluateAll((all) => all.map((n) => n.getBoundingClientRect().top));
    assert.deepEqual(tops, [...tops].sort((a, b) => a - b), "no card is above the heading that it stands under");
    await page.screenshot({ path: join(shots, `display-${name}.png`) });
    await done(page);
  });
}
