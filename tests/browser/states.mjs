// SPDX-License-Identifier: Apache-2.0
// node states.mjs FOLDER [NAME…]: pictures of the dashboard in all states, also those that no real deployment would show at once, to be looked at one by one.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { card, finish, open, until } from "./harness.mjs";
import { Stage } from "./stage.mjs";

const [folder, ...wanted] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });

const wave = (n, i) => Math.round(n * (1 + 0.5 * Math.sin(i / 4) + 0.2 * Math.sin(i * 1.7)));

function trend(stage, key, title, n, more = {}, aggregate = "count", step_ms = 10000) {
  const now = Math.floor((stage.now() - stage.lagMs) / step_ms) * step_ms;
  const points = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [now - i * step_ms, i ? (aggregate === "avg" ? wave(n, i) + 0.25 : wave(n, i)) : Math.round(n / 9)]));
  stage.put(key, "trend", { step_ms, aggregate, points }, { title, ...more });
}

const family = (stage, key, title, names, n, more = {}) => names.forEach((value, i) => stage.put(`${key}/${encodeURIComponent(value)}`, "count", { value: Math.round(n / (1 + i / 4)), window_ms: 600000 },
  { title, group: { by: "payload.name", value }, ...more }));

// What the demo shows, with something that is wrong.
function shop(stage) {
  const soon = (ms) => new Date(stage.now() + ms).toISOString();
  stage.put("tickets.sla", "sla_risk", { ok: 3609, at_risk: 232, breached: 12, next_breach_at: soon(8000), worst: [-665, -598, -545, 8, 71].map((s, i) => ({ id: `ticket-1000${i}`, due_at: soon(1000 * s) })) },
    { title: "SLA risk", status: "critical", status_since: soon(-180000) });
  stage.put("cpu.db", "gauge", { value: 68.4, min: 1, max: 102.6, unit: "%" }, { title: "CPU of db-1", status: "warn", status_since: soon(-60000) });
  stage.put("work.backlog", "backlog", { total: 187, buckets: { open: 96, in_progress: 75, blocked: 16 }, oldest_at: soon(-588000),
    breakdown: { support: { open: 50, in_progress: 20, blocked: 10 }, platform: { open: 30, in_progress: 40, blocked: 6 }, "": { open: 16, in_progress: 15, blocked: 0 } } }, { title: "Backlog" });
  stage.put("queue.depth", "gauge", { value: 40, min: 0, max: 85, unit: "jobs" }, { title: "Queue depth" });
  stage.put("orders.created", "count", { value: 39246, window_ms: 300000 }, { title: "Orders in 5 min" });
  trend(stage, "orders.rate", "Orders per 10 s", 2100);
  trend(stage, "orders.revenue", "Revenue per 30 s", 310000, { display: { unit: "EUR", format: "currency", decimals: 0 } }, "sum", 30000);
  trend(stage, "cpu.load", "CPU load", 52, {}, "avg");
  family(stage, "orders.by_region", "Orders by region", ["eu-west", "us-east", "us-west", "eu-north", "ap-south"], 23187);
  family(stage, "work.by_person", "Done in 10 min", ["margaret", "ken", "ada", "radia", "edsger", "barbara", "donald", "grace", "linus", "niklaus", "frances", "john"], 3677);
  stage.put("events.total", "count", { value: 344573 }, { title: "Events ever" });
}

function extremes(stage) {
  stage.put("huge", "count", { value: 123456789012345 }, { title: "Events since the beginning of the universe, in the whole of the world, and beyond" });
  stage.put("tiny", "gauge", { value: 0.00006, min: 0, max: 1, unit: "s" }, { title: "Tiny" });
  stage.put("negative", "gauge", { value: -42.125, min: -90, max: 12, unit: "°C" }, { title: "Below zero" });
  stage.put("zero", "count", { value: 0, window_ms: 300000 }, { title: "Nothing" });
  stage.put("bytes", "gauge", { value: 8412345678, min: 0, max: 9e12, unit: "bytes" }, { title: "Disk" });
  stage.put("states", "backlog", { total: 105, buckets: Object.fromEntries(Array.from({ length: 14 }, (_, i) => [`state_${i}`, i + 1])) }, { title: "Fourteen states" });
  stage.put("rtl", "count", { value: 1234, window_ms: 60000 }, { title: "طلبات في خمس دقائق" });
  stage.put("cjk", "count", { value: 5678, window_ms: 60000 }, { title: "五分钟内的订单数量与处理情况总览" });
  trend(stage, "trend.huge", "Huge", 4e14);
  trend(stage, "trend.negative", "All below zero", -30, {}, "avg");
  family(stage, "long", "Long names", ["a name that is so long that there is no room for it anywhere on a card", "東京", "القاهرة", "x"], 90);
  stage.put("built", "count", { value: 17 }, { title: "Being built", building: { progress: 0.42 } });
  stage.put("partial", "count", { value: 990 }, { title: "Lacks rows", complete: false, since: { position: "1", time: new Date(stage.now() - 9e6).toISOString() } });
  stage.put("old", "count", { value: 5 }, { title: "Stale", stale: true, updated_at: new Date(stage.now() - 3e6).toISOString() });
  stage.put("unheard", "of_another_kind", { a: 1, b: ["x", "y"] }, { title: "A type of tomorrow" });
}

function sixtyTwo(stage) {
  for (let i = 0; i < 62; i++) {
    if (i % 7 === 3) trend(stage, `tile.${i}`, `Trend ${i}`, 10 * (i + 1));
    else if (i % 5 === 1) stage.put(`tile.${i}`, "gauge", { value: wave(50, i), min: 0, max: 100, unit: "%" }, { title: `Gauge ${i}` });
    else stage.put(`tile.${i}`, "count", { value: wave(900, i) * i, window_ms: 300000 }, { title: `Count ${i}` });
  }
}

const thousand = (stage) => family(stage, "thousand", "A family of a thousand", Array.from({ length: 1000 }, (_, i) => `member ${i}`), 100000);

const WALL = { viewport: { width: 2560, height: 1440 } };
const LAPTOP = { viewport: { width: 1440, height: 900 } };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 };

// The numbers move for a while, so that their lines have a shape.
async function live(stage, page, seconds = 14) {
  for (let i = 0; i < seconds; i++) {
    for (const tile of [...stage.tiles.values()]) {
      if (/^(count|gauge)$/.test(tile.type) && tile.data.value > 9 && !tile.stale && !tile.building) {
        const { key, type, data, version: _, updated_at: __, as_of: ___, ...more } = tile;
        stage.put(key, type, { ...data, value: Number((data.value * (1 + 0.02 * Math.sin(i + key.length))).toPrecision(4)) }, more);
      }
    }
    await page.waitForTimeout(1000);
  }
}

const states = {
  "wall-dark": { tiles: shop, live: true, options: { ...WALL, colorScheme: "dark" } },
  "wall-light": { tiles: shop, live: true, options: { ...WALL, colorScheme: "light" } },
  "wall-kiosk": { tiles: shop, live: true, options: { ...WALL, colorScheme: "dark" }, path: "?kiosk=1" },
  "laptop-light": { tiles: shop, live: true, options: { ...LAPTOP, colorScheme: "light" }, whole: true },
  "laptop-dark": { tiles: shop, options: { ...LAPTOP, colorScheme: "dark" }, whole: true },
  phone: { tiles: shop, live: true, options: PHONE, whole: true },
  "forced-colours": { tiles: shop, live: true, options: { ...LAPTOP, forcedColors: "active", colorScheme: "dark" }, whole: true },
  late: { tiles: shop, options: LAPTOP, then: async (stage, page) => {
    stage.lagMs = 300000;
    stage.beat();
    await until("its word", async () => (await page.textContent("#as-of")) !== "");
  } },
  dead: { tiles: shop, options: LAPTOP, then: async (stage, page) => {
    stage.fallSilent();
    await until("the bar", () => page.isVisible("#silence"));
  } },
  "sixty-two": { tiles: sixtyTwo, live: true, options: WALL },
  thousand: { tiles: thousand, options: LAPTOP, then: (stage, page) => card(page, "thousand").locator(".title").click() },
  "extremes-light": { tiles: extremes, options: { ...LAPTOP, colorScheme: "light" }, whole: true },
  "extremes-dark": { tiles: extremes, options: { ...LAPTOP, colorScheme: "dark" }, whole: true },
  "extremes-phone": { tiles: extremes, options: PHONE, whole: true },
  "large-view": { tiles: shop, options: { ...LAPTOP, colorScheme: "dark" }, then: async (stage, page) => {
    await card(page, "orders.rate").locator(".title").click();
    await page.locator("#detail canvas").waitFor();
  } },
  "nothing-found": { tiles: shop, options: LAPTOP, path: "?search=nothing%20of%20the%20kind" },
  help: { tiles: shop, options: LAPTOP, then: (stage, page) => page.keyboard.press("?") },
  print: { tiles: shop, live: true, options: { viewport: { width: 1000, height: 1400 } }, then: (stage, page) => page.emulateMedia({ media: "print" }), whole: true },
};

async function take(name, { tiles, options, path = "", then, whole, live: moves }) {
  const stage = await Stage.create();
  tiles(stage);
  const page = await open(`${stage.url}/${path}`, options);
  await until("the connection", async () => (await page.textContent("#status")) === "Connected" && stage.streams.size === 2 && (await page.locator(".card").count()) > 0);
  for (let i = 0; i < 40; i++) {
    stage.say("/api/events/stream", "message", { id: i + 1, timestamp: stage.time(-1000 * (40 - i)), event_type: i % 3 ? "order.created" : "ticket.resolved", actor_id: "ada", target_id: `order-${i}`, summary: i % 2 ? `ada took order-${i}` : null }, `${i + 1}`);
  }
  if (moves) await live(stage, page);
  await then?.(stage, page);
  await page.waitForTimeout(600);
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: Boolean(whole) });
  for (const error of page.errors) console.error(`${name}: ${error}`);
  await page.context().close();
  await stage.close();
}

const chosen = Object.entries(states).filter(([name]) => wanted.length === 0 || wanted.includes(name));
while (chosen.length) await Promise.all(chosen.splice(0, 4).map(([name, state]) => take(name, state)));
await finish();
