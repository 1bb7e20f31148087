// SPDX-License-Identifier: Apache-2.0
// docs/live-tile.html as a site of its own, of another origin than the gateway that its tiles come from.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

export async function serveDocsPage(gateway) {
  const text = readFileSync(new URL("../../docs/live-tile.html", import.meta.url), "utf8").replaceAll("http://127.0.0.1:8080", gateway);
  const server = createServer((_, answer) => answer.setHeader("Content-Type", "text/html; charset=utf-8").end(text));
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}
