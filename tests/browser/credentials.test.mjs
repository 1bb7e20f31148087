// SPDX-License-Identifier: Apache-2.0
// A page of another origin whose requests have the gateway's cookie: where the gateway names that origin, and nowhere else.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bin, Deployment, finish, freePort, open } from "./harness.mjs";

let d, folder, sites;

const tilewire = (...a) => execFileSync(join(bin, "tilewire"), ["token", join(folder, "key.jwk"), ...a], { encoding: "utf8" }).trim();

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tilewire-credentials-"));
  writeFileSync(join(folder, "key.jwks"), tilewire("--new-key"));
  sites = {};
  for (const name of ["named", "stranger"]) {
    const server = createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end("<!doctype html><title>another site</title><link rel=icon href=data:,>"));
    const port = await freePort();
    await new Promise((done) => server.listen(port, "127.0.0.1", done));
    sites[name] = { server, url: `http://127.0.0.1:${port}` };
  }
  const issuer = `{issuer: "https://localhost", audience: tilewire, jwks: "${join(folder, "key.jwks")}"}`;
  d = await Deployment.create("", `, auth: jwt, jwt: {issuers: [${issuer}]}, cors_origins: ["${sites.named.url}"]`);
});
after(async () => {
  await finish();
  await d.stop();
  for (const { server } of Object.values(sites)) await new Promise((done) => server.close(done));
  rmSync(folder, { recursive: true, force: true });
});

async function page(site) {
  const opened = await open(sites[site].url);
  // As the gateway's own site would have set it: it lies with that host, and no page of another can read it.
  await opened.context().addCookies([{ name: "__Host-tilewire", value: tilewire("--subject", "ada"), domain: "127.0.0.1", path: "/", secure: true, sameSite: "Strict" }]);
  return opened;
}

const ask = (opened, credentials) => opened.evaluate(([url, how]) =>
  fetch(`${url}/api/tiles/queue.depth`, { credentials: how }).then((answer) => answer.status, () => "refused by the browser"), [d.url, credentials]);

const listen = (opened) => opened.evaluate((url) => new Promise((done) => {
  const stream = new EventSource(`${url}/api/tiles/stream`, { withCredentials: true });
  stream.addEventListener("tile", () => done("a tile"), { once: true });
  stream.addEventListener("error", () => done("refused by the browser"), { once: true });
}), d.url);

test("a page of an origin that is named reads with the cookie, and without it is nobody", async () => {
  const opened = await page("named");
  assert.equal(await ask(opened, "include"), 200);
  assert.equal(await ask(opened, "omit"), 401);
  assert.equal(await listen(opened), "a tile");
  await opened.context().close();
});

test("a page of any other origin reads nothing, with the cookie or without", async () => {
  const opened = await page("stranger");
  assert.equal(await ask(opened, "include"), "refused by the browser");
  assert.equal(await ask(opened, "omit"), "refused by the browser");
  assert.equal(await listen(opened), "refused by the browser");
  await opened.context().close();
});
