// SPDX-License-Identifier: Apache-2.0
// Real programs on a SQLite table of their own, and a page of headless Chromium that looks at them.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, mkdirSync, rmSync, writeFileSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { chromium } from "playwright-core";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
export const bin = process.env.TILEWIRE_BIN ?? join(root, "build", "dev", "bin");
export const shots = join(root, "build", "screenshots");
mkdirSync(shots, { recursive: true });

const TILES = `tiles:
  - {key: orders.created, title: Orders in 5 min, type: count, match: {event_type: order.created}, window: 5m}
  - {key: orders.rate, title: Orders, type: trend, match: {event_type: order.created}, step: 10s, length: 30, aggregate: count}
  - {key: queue.depth, title: Queue depth, type: gauge, metric: queue.depth, unit: jobs}
  - {key: tickets.sla, title: SLA risk, type: sla_risk, opens: {event_type: ticket.opened}, closes: {event_type: ticket.resolved}, item: target_id, due: payload.due_at, at_risk: 10m}
  - {key: work.backlog, title: Backlog, type: backlog, item: target_id, states: {work_item_created: open, work_item_claimed: in_progress, work_item_done: null}}
  - {key: orders.by_region, title: Orders by region, type: count, match: {event_type: order.created}, group_by: payload.region}
`;

export async function until(what, predicate, ms = 30000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await predicate();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what} did not come about within ${ms} ms`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

// Waits until `read` gives what is expected; else the error shows what it gave last. For all that follows from an event:
// the tiles of one page change one after the other.
export async function becomes(what, read, expected, ms = 30000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await read();
    if (isDeepStrictEqual(value, expected)) return;
    if (Date.now() > end) assert.deepEqual(value, expected, `${what}, after ${ms} ms`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

// Not one of those that the kernel gives to outgoing connections (from 32768 on): it could be taken again by the time it
// is listened on.
export function freePort() {
  const port = 15000 + Math.floor(Math.random() * 17000);
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(freePort()));
    server.listen(port, "127.0.0.1", () => server.close(() => done(port)));
  });
}

export class Deployment {
  // Further keys of each tile and of the gateway; or other keys of the source, other tiles, more SQL for the database, and further limits.
  static async create(tileOptions = "", gatewayOptions = "", { source = "", tiles = TILES, schema = "", limits = "" } = {}) {
    const d = new Deployment();
    d.folder = mkdtempSync(join(tmpdir(), "tilewire-browser-"));
    const ports = [];
    for (let i = 0; i < 5; i++) ports.push(await freePort());
    d.port = ports[4];
    d.url = `http://127.0.0.1:${d.port}`;
    d.file = join(d.folder, "tilewire.yaml");
    const tcp = (i) => `tcp://127.0.0.1:${ports[i]}`;
    writeFileSync(d.file, `source: {uri: "sqlite:events.db"${source}}
ingestor: {publish: "${tcp(0)}", query: "${tcp(1)}", checkpoint_interval: 200ms}
cache: {publish: "${tcp(2)}", query: "${tcp(3)}"}
gateway: {listen: "127.0.0.1:${d.port}", drain: 100ms${gatewayOptions}, limits: {requests_per_second: 1000, requests_burst: 1000, streams_per_second: 1000, streams_burst: 1000${limits}}}
${tiles.replaceAll(/}$/gm, `${tileOptions}}`)}`);
    d.sql(`PRAGMA journal_mode=wal; CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT, event_type TEXT, actor_id TEXT, target_id TEXT, summary TEXT, payload TEXT); ${schema}`);
    d.programs = {};
    for (const name of ["ingestor", "cache", "gateway"]) await d.start(name);
    await until("the gateway's readiness", async () => (await fetch(`${d.url}/readyz`).catch(() => null))?.ok);
    return d;
  }

  sql(text) {
    execFileSync("sqlite3", ["-cmd", ".timeout 10000", join(this.folder, "events.db"), text], { stdio: ["ignore", "ignore", "inherit"] });
  }

  insert(type, target = null, payload = null, summary = null) {
    const quote = (v) => (v === null ? "NULL" : `'${String(v).replaceAll("'", "''")}'`);
    this.sql(`INSERT INTO events (timestamp,event_type,actor_id,target_id,summary,payload) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ','now'),${quote(type)},'ada',${quote(target)},${quote(summary)},${quote(payload && JSON.stringify(payload))})`);
  }

  // Waits until the gateway serves tiles with these data: {key: {name: value}}.
  async serves(expected) {
    await becomes("the tiles", async () => {
      const { tiles } = await (await fetch(`${this.url}/api/tiles`)).json();
      const part = (key) => {
        const data = tiles.find((tile) => tile.key === key)?.data;
        return Object.fromEntries(Object.keys(expected[key]).map((name) => [name, data?.[name]]));
      };
      return Object.fromEntries(Object.keys(expected).map((key) => [key, part(key)]));
    }, expected);
  }

  // A gateway beside the first one. Returns its URL.
  async startSecondGateway() {
    this.second ??= await freePort();
    await this.start("gateway-2", "--listen", `127.0.0.1:${this.second}`);
    const url = `http://127.0.0.1:${this.second}`;
    await until("the second gateway's readiness", async () => (await fetch(`${url}/readyz`).catch(() => null))?.ok);
    return url;
  }

  // Appends definitions of tiles to the file, and lets the ingestor read it again.
  define(tiles) {
    appendFileSync(this.file, tiles);
    this.programs.ingestor.kill("SIGHUP");
  }

  async start(name, ...options) {
    const log = join(this.folder, `${name}.log`);
    const out = openSync(log, "a");
    const before = readFileSync(log).length; // what an earlier start of it said
    this.programs[name] = spawn(join(bin, `tilewire-${name.split("-")[0]}`), ["-c", this.file, ...options], { stdio: ["ignore", out, out] });
    await until(`${name}'s start`, () => readFileSync(log).subarray(before).includes("ready component") || this.programs[name].exitCode !== null);
  }

  async kill(name, how = "SIGKILL") {
    const program = this.programs[name];
    const ended = new Promise((done) => program.once("exit", done));
    program.kill(how);
    await ended;
  }

  async stop() {
    for (const name of Object.keys(this.programs)) {
      if (this.programs[name].exitCode === null && this.programs[name].signalCode === null) await this.kill(name, "SIGTERM");
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

let launch; // of the one browser, for those who open pages at the same time

// A page with what it said: errors of scripts are failures everywhere. `in`: a context to open it in as a further tab;
// `init`: a script that runs first.
export async function open(url, options = {}) {
  launch ??= chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const browser = await launch;
  const context = options.in ?? await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.errors = [];
  page.requests = [];
  page.asking = new Set(); // its requests that have neither been answered nor failed
  page.on("pageerror", (e) => page.errors.push(e.message));
  page.on("console", (m) => {
    // Chromium itself notes each request and WebSocket that found no server; no script can help that.
    if (m.type() === "error" && !/Failed to load resource|ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY|^WebSocket connection to/.test(m.text())) page.errors.push(m.text());
  });
  page.on("request", (r) => {
    page.requests.push(r.url());
    page.asking.add(r);
  });
  for (const end of ["requestfinished", "requestfailed"]) page.on(end, (r) => page.asking.delete(r));
  if (options.clock) await page.clock.install();
  if (options.init) await page.addInitScript(options.init);
  await page.goto(url);
  return page;
}

// What axe-core finds wrong, in words.
export async function wrongsOf(page) {
  await page.evaluate(readFileSync(join(root, "tests/browser/node_modules/axe-core/axe.min.js"), "utf8"));
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
  return violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => `${n.target} ${n.any[0]?.message ?? ""}`).join("; ")}`);
}

export async function finish() {
  await (await launch)?.close();
  launch = undefined;
}

export const status = (page) => page.textContent("#status");
export const card = (page, key) => page.locator(`[data-key="${key}"]`);

// Presses the refresh button. Returns the word by which it tells how that went, which stands there for a moment only.
export const refresh = (page) => page.evaluate(() => new Promise((done) => {
  const button = document.getElementById("refresh");
  const observer = new MutationObserver(() => {
    if (button.textContent === "Refresh") return; // what it said before, taken back
    observer.disconnect();
    done(button.textContent);
  });
  observer.observe(button, { childList: true });
  button.click();
}));
