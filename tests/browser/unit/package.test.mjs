// SPDX-License-Identifier: Apache-2.0
// tilewire-client as npm packs it, in a folder of its own.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const client = join(here, "../../../gateway/web/client");
const run = (command, args, cwd) => execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

const USE = `
import { connect, type Connection, type Status, type Tile } from "tilewire-client";
const tiles: Connection = connect({
  url: "https://live.example.com", keys: ["orders.*"],
  onTile: (tile) => {
    if (tile.type === "trend") console.log(Object.keys(tile.data.points).length);
    else if (tile.type === "sla_risk") console.log(tile.data.breached, tile.data.worst?.[0]?.id);
    // @ts-expect-error: not every tile has a value
    else console.log(tile.data.value);
  },
  onEvent: (event) => console.log(event.event_type.length, event.summary?.length, event.actor_id === null),
  onError: ({ kind, status, retryAfterMs }) => console.log(kind === "too-many", status, retryAfterMs),
  onStatus: (status: Status, { transport }) => console.log(status, transport?.length),
});
const open: Tile | undefined = tiles.get("orders.open");
const value: number | undefined = tiles.get<"count">("orders.open")?.data.value;
const now: number = tiles.now() - (tiles.asOf ?? 0) - tiles.silentMs;
// @ts-expect-error: there is no such type of tile
tiles.get<"counter">("orders.open");
// @ts-expect-error: an event may have no summary
tiles.events()[0]!.summary.length;
tiles.refresh().then(() => tiles.close());
// @ts-expect-error: there is no such option
connect({ onTiels: () => {} });
console.log(open, value, now);
`;

const USE_REACT = `
import "tilewire-client/jsx";
import { useEvents, useStatus, useTile, useTiles } from "tilewire-client/react";
export function Wall() {
  const tile = useTile("orders.open", { url: "https://live.example.com" });
  const value: number | undefined = tile?.type === "count" ? tile.data.value : undefined;
  return <p>
    {value} {useTiles(["orders.*"]).length} {useEvents({ limit: 5 })[0]?.event_type} {useStatus()}
    <live-tile tile="orders.open" theme="dark" />
    {/* @ts-expect-error: there is no such theme */}
    <live-tile tile="orders.open" theme="pink" />
  </p>;
}
`;

test("the packed package installs into an empty folder, is imported, and its types hold", () => {
  const folder = mkdtempSync(join(tmpdir(), "tilewire-pack-"));
  try {
    const [{ filename, files }] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", folder], client));
    const sources = readdirSync(client).filter((name) => /\.(js|d\.ts)$/.test(name));
    assert.deepEqual(files.map((f) => f.path).sort(), [...sources, "README.md", "package.json"].sort(), "all that is needed, and no tests");
    writeFileSync(join(folder, "package.json"), '{"private": true, "type": "module"}');
    run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./${filename}`], folder);
    const { dependencies } = JSON.parse(readFileSync(join(folder, "node_modules/tilewire-client/package.json")));
    assert.equal(dependencies, undefined);
    writeFileSync(join(folder, "use.js"), `import * as client from "tilewire-client";
      const patched = client.mergePatch({ a: 1, b: 2 }, { b: null });
      console.log(JSON.stringify([Object.keys(client).sort(), patched, client.backoffMs(9, 1)]));`);
    assert.deepEqual(JSON.parse(run(process.execPath, ["use.js"], folder)), [["backoffMs", "compareVersions", "connect", "keyMatcher", "mergePatch"], { a: 1 }, 30000]);
    writeFileSync(join(folder, "use.ts"), USE);
    const tsc = join(here, "../node_modules/typescript/bin/tsc");
    writeFileSync(join(folder, "use.tsx"), USE_REACT);
    symlinkSync(join(here, "../node_modules/@types"), join(folder, "node_modules/@types"));
    symlinkSync(join(here, "../node_modules/csstype"), join(folder, "node_modules/csstype"));
    run(process.execPath, [tsc, "--noEmit", "--strict", "--jsx", "react-jsx", "--module", "nodenext", "--target", "es2022", "--lib", "es2022,dom", "use.ts", "use.tsx"], folder);
  } catch (error) {
    throw new Error(`${error.message}\n${error.stdout ?? ""}${error.stderr ?? ""}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
