// SPDX-License-Identifier: Apache-2.0
// Values as large and as small as they come, on a gateway made by hand.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { becomes, card, finish, open, shots, status, until } from "./harness.mjs";
import { Stage } from "./stage.mjs";

let stage;

before(async () => { stage = await Stage.create(); });
after(async () => { await finish(); await stage?.close(); });

const STEP = 10000;

function trend(key, value, aggregate = "avg") {
  const now = Math.floor(Date.now() / STEP) * STEP;
  const points = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [now - (29 - i) * STEP, value(i)]));
  stage.put(key, "trend", { step_ms: STEP, aggregate, points });
}

// Notes each text that is drawn on a canvas, by its card, with its left edge.
const NOTE_TEXTS = `globalThis.drawn = [];
const fillText = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
  const width = this.measureText(text).width;
  const left = this.getTransform().e + (this.textAlign === "right" ? x - width : this.textAlign === "center" ? x - width / 2 : x);
  globalThis.drawn.push({ key: this.canvas.closest(".card")?.dataset.key, text, left, value: this.textAlign === "right" });
  return fillText.apply(this, arguments);
};`;

test("the labels of a chart's values are whole, and tell them apart, at every size", async () => {
  const wanted = {
    large: [(i) => 100000 * i, "sum", /^(0|\d(\.\d)?M)$/], huge: [(i) => 1e13 * i, "sum", /^(0|\d+T)$/], tiny: [(i) => 1e-6 * i, "avg", /^0(\.0000\d+)?$/],
    negative: [(i) => -20 - i, "avg", /^(0|-\d+)$/], absurd: [(i) => 1e250 * (i + 1), "sum", /^(0|\d(\.\d)?E25\d)$/], counted: [(i) => i % 2, "count", /^\d$/],
  };
  for (const [key, [value, aggregate]] of Object.entries(wanted)) trend(key, value, aggregate);
  const page = await open(stage.url, { init: NOTE_TEXTS });
  await until("the charts", async () => (await page.locator("canvas").count()) === Object.keys(wanted).length);
  for (const [key, [, , like]] of Object.entries(wanted)) {
    const labels = await until(`the labels of ${key}`, () => page.evaluate((of) => {
      const all = globalThis.drawn.filter((text) => text.key === of && text.value);
      return all.length && all;
    }, key));
    assert.ok(new Set(labels.map(({ text }) => text)).size >= 2, `${key}: ${labels.map(({ text }) => text)}`);
    for (const { text, left } of labels) {
      assert.match(text, like, key);
      assert.ok(left >= 0, `${key}: ${text} begins at ${left}`);
    }
  }
  assert.ok(await page.evaluate(() => globalThis.drawn.some(({ key, text }) => key === "negative" && /^-[34]0$/.test(text))), "the axis goes down to the least");
  await page.screenshot({ path: join(shots, "extremes.png"), fullPage: true });
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("a number has enough digits to see it change, fits its card, and says in a tooltip what it is exactly", async () => {
  stage.put("ratio", "gauge", { value: 0.9957123, min: 0, max: 1 });
  stage.put("time", "gauge", { value: 0.00006, min: 0, max: 1, unit: "s" });
  stage.put("size", "gauge", { value: 8412345678, min: 0, max: 1e12, unit: "bytes" });
  stage.put("many", "count", { value: 123456789012345 });
  stage.put("risk", "sla_risk", { ok: 12345678, at_risk: 232, breached: 112, worst: [] });
  for (const viewport of [{ width: 1440, height: 900 }, { width: 390, height: 844 }]) {
    stage.put("many", "count", { value: 123456789012345 });
    const page = await open(stage.url, { viewport });
    await until("the connection", async () => (await status(page)) === "Connected");
    const text = (key, what = ".big") => card(page, key).locator(what).textContent();
    const title = (key) => card(page, key).locator(".big").getAttribute("title");
    await becomes("the ratio", async () => [await text("ratio"), await title("ratio")], ["0.99571", "0.9957123"]);
    await becomes("the time", async () => [await text("time"), await text("time", ".unit"), await title("time")], ["60", " µs", "0.00006 s"]);
    await becomes("the size", async () => [await text("size"), await text("size", ".unit"), await title("size")], ["8.4123", " GB", "8,412,345,678 bytes"]);
    await becomes("the count", () => text("many"), "123,456,789,012,345");
    const cut = () => page.locator(".big, .sla b").evaluateAll((all) => all.filter((n) => n.getBoundingClientRect().right > n.closest(".card").getBoundingClientRect().right - 8
      || n.scrollWidth > n.clientWidth + 1 && getComputedStyle(n).display !== "inline").map((n) => n.textContent));
    assert.deepEqual(await cut(), []);
    stage.put("many", "count", { value: 123456789012346 });
    await becomes("one more", () => text("many"), "123,456,789,012,346");
    await card(page, "ratio").locator(".title").click();
    await becomes("the exact value in the large view", () => page.locator("#detail dl").first().locator("div", { hasText: "Exactly" }).locator("dd").textContent(), "0.9957123");
    assert.deepEqual(page.errors, []);
    await page.context().close();
  }
});

for (const [how, library] of [["throws", 'globalThis.uPlot = class { constructor() { throw new TypeError("no locale"); } };'], ["does not come", null]]) {
  test(`where the chart library ${how}, the card says so and has a plain line`, async () => {
    trend("plain", (i) => i);
    stage.assets = library && { "/assets/uplot.js": library };
    const page = await open(stage.url);
    if (!library) {
      await page.route("**/assets/uplot.js", (route) => route.abort());
      await page.reload();
    }
    const line = () => card(page, "plain").locator(".plain path").getAttribute("d");
    await until("the line", async () => (await card(page, "plain").locator(".plain").count()) === 1);
    assert.equal((await line()).split("L").length, 30);
    assert.match(await card(page, "plain").textContent(), /Without axes: the chart library does not work here/);
    const earlier = await line();
    trend("plain", (i) => 30 - i);
    await until("the change", async () => (await line()) !== earlier);
    assert.deepEqual(page.errors, []);
    stage.assets = null;
    await page.context().close();
  });
}
