// SPDX-License-Identifier: Apache-2.0
// Streams by the npm package @microsoft/fetch-event-source, which takes a block of `retry:` alone for an event, and without data.
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Deployment, finish, open, until } from "./harness.mjs";

let d, script;

before(async () => {
  const { outputFiles } = await build({
    stdin: { contents: 'export { fetchEventSource } from "@microsoft/fetch-event-source";', resolveDir: dirname(fileURLToPath(import.meta.url)) },
    bundle: true, format: "iife", globalName: "library", write: false, logLevel: "error",
  });
  script = outputFiles[0].text;
  d = await Deployment.create("", "", { limits: ", streams_per_address: 2" });
});
after(async () => { await finish(); await d.stop(); });

// Each message that the library gives, on both streams, and how often it has connected.
function follow() {
  window.told = { tiles: [], events: [], connected: 0 };
  for (const what of ["tiles", "events"]) {
    window.library.fetchEventSource(`/api/${what}/stream`, {
      openWhenHidden: true,
      onopen: async () => { window.told.connected++; },
      onmessage: (message) => window.told[what].push(message),
      onclose: () => { throw new Error("the stream ended"); }, // the library connects again after an error alone
    });
  }
}

test("no message is empty, and all come, over a gateway that starts again", async () => {
  const page = await open(`${d.url}/healthz`);
  await page.evaluate(`${script}; window.library = library`);
  await page.evaluate(follow);
  const told = () => page.evaluate(() => window.told);
  const ids = async () => (await told()).events.filter((m) => m.event === "order.created").map((m) => m.id);
  await until("tiles", async () => (await told()).tiles.some((m) => m.event === "tile"));
  d.insert("order.created", "o1");
  await until("the first event", async () => (await ids()).length === 1);
  const { connected } = await told();
  await d.kill("gateway");
  await d.start("gateway");
  await until("both streams again", async () => (await told()).connected >= connected + 2);
  d.insert("order.created", "o2");
  await until("the second event", async () => (await ids()).length === 2);
  assert.deepEqual(await ids(), ["1", "2"]);
  const { tiles, events } = await told();
  assert.deepEqual([...tiles, ...events].filter((m) => m.data === ""), []);
  await page.close();
});

test("a refusal is a message, and not an empty one", async () => {
  const page = await open(`${d.url}/healthz`);
  await page.evaluate(`${script}; window.library = library`);
  const holds = await Promise.all([1, 2].map(() => fetch(`${d.url}/api/tiles/stream`)));
  await page.evaluate(follow);
  const told = () => page.evaluate(() => window.told);
  await until("the refusal", async () => (await told()).tiles.some((m) => m.event === "refused"));
  for (const one of holds) await one.body.cancel();
  await until("tiles", async () => (await told()).tiles.some((m) => m.event === "tile"));
  const { tiles, events } = await told();
  assert.deepEqual([...tiles, ...events].filter((m) => m.data === ""), []);
  await page.close();
});
