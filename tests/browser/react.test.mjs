// SPDX-License-Identifier: Apache-2.0
// tilewire-client/react in a page of React's, bundled as people do, and rendered on a server.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { becomes, finish, open } from "./harness.mjs";
import { Stage } from "./stage.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const client = join(here, "../../gateway/web/client");
const bundle = (contents, options) => build({
  stdin: { contents, loader: "jsx", resolveDir: here }, bundle: true, format: "esm", jsx: "automatic", logLevel: "error",
  nodePaths: [join(here, "node_modules")], alias: { "tilewire-client/react": join(client, "react.js") }, define: { "process.env.NODE_ENV": '"production"' }, ...options,
});

const APP = (url) => `
import { useEvents, useStatus, useTile, useTiles } from "tilewire-client/react";
function One({ name }) {
  const tile = useTile(name, { url: ${url} });
  return <b id="one">{tile ? tile.data.value : "none"}</b>;
}
export function App({ name, shown }) {
  return <main>
    {shown && <One name={name} />}
    <i id="all">{useTiles(["orders.*"], { url: ${url} }).map((tile) => tile.key + "=" + tile.data.value).join()}</i>
    <u id="events">{useEvents({ url: ${url}, limit: 2 }).map((event) => event.id).join()}</u>
    <s id="status">{useStatus({ url: ${url} })}</s>
  </main>;
}`;

let stage, site, home, script;

before(async () => {
  stage = await Stage.create();
  stage.put("orders.open", "count", { value: 1 });
  stage.put("orders.late", "count", { value: 2 });
  const { outputFiles: [{ text }] } = await bundle(`${APP(JSON.stringify(stage.url))}
    import { createRoot } from "react-dom/client";
    const root = createRoot(document.body);
    globalThis.render = (props) => root.render(<App {...props} />);
    globalThis.render({ name: "orders.open", shown: true });`, { write: false });
  script = text;
  site = createServer((request, answer) => (request.url === "/app.js"
    ? answer.writeHead(200, { "Content-Type": "text/javascript" }).end(script)
    : answer.writeHead(200, { "Content-Type": "text/html" }).end('<!doctype html><html lang="en"><title>React</title><body></body><script type="module" src="/app.js"></script>')));
  await new Promise((listening) => site.listen(0, "127.0.0.1", listening));
  home = `http://127.0.0.1:${site.address().port}/`;
});
after(async () => {
  await finish();
  site?.close();
  await stage?.close();
});

test("hooks follow tiles, events and the status over one connection, and leave it", async () => {
  const page = await open(home);
  const text = (id) => page.textContent(`#${id}`);
  await becomes("the tile", () => text("one"), "1");
  await becomes("the tiles, by their keys", () => text("all"), "orders.late=2,orders.open=1");
  await becomes("the status", () => text("status"), "connected");
  stage.put("orders.open", "count", { value: 7 });
  await becomes("a change", () => text("one"), "7");
  for (const id of [1, 2, 3]) stage.say("/api/events/stream", "message", { id, timestamp: stage.time(), event_type: "x", actor_id: null, target_id: null, summary: null }, String(id));
  await becomes("the newest events", () => text("events"), "3,2");
  await page.evaluate(() => globalThis.render({ name: "orders.late", shown: true }));
  await becomes("another key", () => text("one"), "2");
  assert.equal(new Set([...stage.streams].map(({ path }) => path)).size, stage.streams.size, "one stream of each kind");
  stage.remove("orders.late");
  await becomes("none", async () => [await text("one"), await text("all")], ["none", "orders.open=7"]);
  await page.evaluate(() => globalThis.render({ name: "orders.late", shown: false }));
  await becomes("a component that has gone", () => page.locator("#one").count(), 0);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("on a server hooks render what there is without a gateway", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tilewire-react-"));
  try {
    const file = join(folder, "server.mjs");
    const { outputFiles: [{ text }] } = await bundle(`${APP(JSON.stringify(stage.url))}
      import { renderToString } from "react-dom/server.edge";
      export const html = renderToString(<App name="orders.open" shown={true} />);`, { write: false, platform: "neutral", mainFields: ["module", "main"], conditions: ["edge-light"] });
    writeFileSync(file, text);
    const { html } = await import(pathToFileURL(file).href);
    assert.equal(html, '<main><b id="one">none</b><i id="all"></i><u id="events"></u><s id="status">connecting</s></main>');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
