// SPDX-License-Identifier: Apache-2.0
// The dashboard and the client where the gateway asks who they are.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bin, card, Deployment, finish, open, shots, status, until, wrongsOf } from "./harness.mjs";

let d;
let folder;

const tilewire = (...a) => execFileSync(join(bin, "tilewire"), ["token", join(folder, "key.jwk"), ...a], { encoding: "utf8" }).trim();
const token = (...a) => tilewire("--subject", "ada", ...a);

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tilewire-auth-"));
  writeFileSync(join(folder, "key.jwks"), tilewire("--new-key"));
  const issuer = `{issuer: "https://localhost", audience: tilewire, jwks: "${join(folder, "key.jwks")}"}`;
  d = await Deployment.create("", `, auth: jwt, jwt: {issuers: [${issuer}], leeway: 0}, sign_in_url: "/sign-in?back={return}"`);
});
after(async () => {
  await finish();
  await d.stop();
  rmSync(folder, { recursive: true, force: true });
});

// A page whose requests have the cookie, as a proxy with TLS in front would hand it on: browsers keep the prefix __Host- for TLS.
async function page(value, path = "/") {
  const opened = await open("about:blank");
  if (value) await opened.context().setExtraHTTPHeaders({ Cookie: `__Host-tilewire=${value}` });
  await opened.goto(d.url + path);
  return opened;
}

test("who is signed out sees where to sign in, and comes back to the same page", async () => {
  const p = await page(null, "/?order=queue.depth");
  await until("the word", async () => (await status(p)) === "Sign in");
  const link = p.locator("#status a");
  assert.equal(await link.getAttribute("href"), `${d.url}/sign-in?back=${encodeURIComponent(`${d.url}/?order=queue.depth`)}`);
  assert.deepEqual(await wrongsOf(p), []);
  await p.screenshot({ path: join(shots, "signed-out.png") });
  // Signed in elsewhere: the page finds out by itself.
  await p.context().setExtraHTTPHeaders({ Cookie: `__Host-tilewire=${token()}` });
  await until("the connection", async () => (await status(p)) === "Connected");
  assert.equal(await p.locator("#status a").count(), 0);
  await card(p, "queue.depth").waitFor();
  assert.deepEqual(p.errors, []);
  await p.context().close();
});

test("who may see none of it is told so", async () => {
  const p = await page(token("--tiles", "", "--events", ""));
  await until("the word", async () => (await status(p)) === "Not allowed");
  assert.equal(await p.locator("#status a").getAttribute("title"), "Sign in as somebody else");
  assert.equal(await p.locator(".card").count(), 0);
  assert.deepEqual(await wrongsOf(p), []);
  assert.deepEqual(p.errors, []);
  await p.context().close();
});

test("who may see some tiles, and no events, sees those tiles live", async () => {
  const p = await page(token("--tiles", "orders.*", "--events", ""));
  await until("the connection", async () => (await status(p)) === "Connected");
  await card(p, "orders.created").waitFor();
  assert.equal(await card(p, "queue.depth").count(), 0);
  const count = async () => Number(await card(p, "orders.created").locator(".big").textContent());
  const orders = await count();
  d.insert("order.created");
  await until("the change", async () => (await count()) === orders + 1);
  assert.deepEqual(p.errors, []);
  await p.context().close();
});

test("a tile in a page says that it is denied, and shows itself when it is not any more", async () => {
  const p = await page(null);
  await p.evaluate(async (url) => {
    await import(`${url}/assets/live-tile.js`);
    document.body.insertAdjacentHTML("beforeend", '<live-tile key="queue.depth"></live-tile>');
  }, d.url);
  const state = () => p.locator("live-tile").getAttribute("state");
  await until("the refusal", async () => (await state()) === "denied");
  await p.context().setExtraHTTPHeaders({ Cookie: `__Host-tilewire=${token()}` });
  await until("the tile", async () => (await state()) === "live");
  assert.deepEqual(p.errors, []);
  await p.context().close();
});

test("a token that expires under an open page ends in Sign in", async () => {
  const p = await page(token("--expires", "10s"));
  await until("the connection", async () => (await status(p)) === "Connected");
  await until("the word", async () => (await status(p)) === "Sign in");
  assert.deepEqual(p.errors, []);
  await p.context().close();
});

test("a page with tokens of its own gets a new one, and misses nothing", async () => {
  const p = await open(`${d.url}/healthz`);
  await p.exposeFunction("newToken", () => token("--expires", "3s"));
  await p.evaluate(async (url) => {
    const { connect } = await import(`${url}/assets/client/index.js`);
    window.heard = { status: [], events: [], transports: [], asked: 0 };
    window.live = connect({
      url,
      token: () => { window.heard.asked++; return window.newToken(); },
      onStatus: (s, { transport }) => { window.heard.status.push(s); window.heard.transports.push(transport); },
      onEvent: (e) => window.heard.events.push(e.target_id),
    });
  }, d.url);
  const heard = () => p.evaluate(() => window.heard);
  await until("the connection", async () => (await heard()).status.at(-1) === "connected");
  const first = (await heard()).events.length;
  let rows = 0;
  while ((await heard()).asked < 4) { // over three ends of tokens
    d.insert("order.created", `n${rows}`);
    await until("the event", async () => (await heard()).events.includes(`n${rows}`));
    rows++;
  }
  const { status: said, events, transports } = await heard();
  assert.deepEqual([...new Set(transports)], ["sse"]);
  assert.deepEqual(said, ["connected"], "nobody notices");
  assert.deepEqual(events.slice(first), Array.from({ length: rows }, (_, i) => `n${i}`), "each once, in order");
  await p.context().close();
});
