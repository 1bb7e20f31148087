// SPDX-License-Identifier: Apache-2.0
// Ids that a number of JavaScript cannot hold: in the table of events, and by each transport of the client.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Deployment, becomes, finish, open, status, until } from "./harness.mjs";

const EARLY = ["9007199254740990", "9007199254740991", "9007199254740992", "9007199254740993"];
const LATER = ["9007199254740994", "9007199254740995", "9223372036854775806", "9223372036854775807"];
let d;

const insert = (ids) => d.sql(`INSERT INTO events (id, timestamp, event_type, target_id) VALUES ${ids.map((id) => `(${id}, strftime('%Y-%m-%dT%H:%M:%fZ','now'), 'order.created', 'o${id}')`)}`);

before(async () => {
  d = await Deployment.create();
  insert(EARLY);
  await until("the events", async () => (await (await fetch(`${d.url}/api/events`)).json()).events.length === EARLY.length);
});
after(async () => { await finish(); await d.stop(); });

test("each event is shown and told once, by its own id, by each transport", async () => {
  const page = await open(d.url);
  await until("the connection", async () => (await status(page)) === "Connected");
  const shown = () => page.locator("#events tr").evaluateAll((all) => all.map((tr) => [tr.dataset.id, tr.querySelector(".id").textContent, tr.querySelector(".target").textContent]));
  const rows = (ids) => ids.map((id) => [id, id, `o${id}`]).reverse();
  await becomes("the table", shown, rows(EARLY));
  const names = ["sse", "websocket", "long-poll"];
  await page.evaluate(async (all) => {
    const { connect } = await import("/assets/client/index.js");
    window.told = {};
    window.carried = {};
    for (const name of all) {
      window.told[name] = [];
      connect({ share: false, transports: [name], onEvent: (event) => window.told[name].push(event.id), onStatus: (s, { transport }) => { window.carried[name] = transport; } });
    }
  }, names);
  const told = () => page.evaluate(() => window.told);
  const ids = (all) => Object.fromEntries(names.map((name) => [name, all.map((id) => (Number.isSafeInteger(Number(id)) ? Number(id) : id))]));
  await becomes("what was there", told, ids(EARLY));
  await becomes("each transport", () => page.evaluate(() => window.carried), Object.fromEntries(names.map((name) => [name, name])));
  for (const id of LATER) insert([id]);
  await becomes("what came", told, ids([...EARLY, ...LATER]));
  await becomes("the table", shown, rows([...EARLY, ...LATER]));

  // Another gateway process: all resume behind the last id, and nothing is told twice.
  await d.kill("gateway");
  await d.start("gateway");
  await until("the connection", async () => (await status(page)) === "Connected");
  await becomes("each transport", () => page.evaluate(() => window.carried), Object.fromEntries(names.map((name) => [name, name])), 60000);
  assert.deepEqual(await told(), ids([...EARLY, ...LATER]));
  assert.deepEqual(await shown(), rows([...EARLY, ...LATER]));
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
