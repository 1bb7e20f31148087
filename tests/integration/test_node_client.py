# SPDX-License-Identifier: Apache-2.0
"""tilewire-client outside of browsers: in Node, which has had no EventSource before version 22, and no WebSocket either."""
import json
import pathlib
import subprocess

import pytest

from tilewire import PATIENCE, RandomEvents

CLIENT = pathlib.Path(__file__).resolve().parents[2] / "gateway" / "web" / "client" / "index.js"

# It ends by itself when it has closed the connection: nothing of the client keeps it alive.
PROGRAM = """
const { connect } = await import(process.argv[1]);
const told = { statuses: [], lists: 0, ids: [], transport: null };
let close = () => {};
const connection = connect({
  url: process.argv[2],
  ...JSON.parse(process.argv[3]),
  onStatus: (status, { transport }) => { told.statuses.push(status); told.transport ??= transport; },
  onTiles: (tiles, { whole }) => { told.lists += whole; },
  onTile: (tile) => { if (tile.key === "orders.ever") told.value = tile.data.value; close(); },
  onEvent: (event) => { told.ids.push(event.id); close(); },
});
close = () => {
  if (told.ids.length !== 40 || connection.status !== "connected") return;
  close = () => {};
  connection.close();
  console.log(JSON.stringify(told));
};
setTimeout(() => console.log("ready"), 0);
"""


@pytest.mark.parametrize(("options", "transport"), [({}, "sse"), ({"transports": ["websocket", "long-poll"]}, None)])
def test_a_program_of_node_follows_tiles_and_events(deploy, sqlite_table, options, transport):
    d = deploy(sqlite_table, gateways=1).start()
    rows = RandomEvents(1)
    sqlite_table.load(list(range(1, 21)), rows)
    d.verify()
    url = f"http://127.0.0.1:{d.gateway_ports[0]}"
    with subprocess.Popen(["node", "--input-type=module", "-e", PROGRAM, CLIENT, url, json.dumps(options)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout.readline() == "ready\n"
        sqlite_table.load(list(range(21, 41)), rows)
        said, errors = program.communicate(timeout=PATIENCE)
    assert program.returncode == 0 and not errors, errors
    told = json.loads(said)
    assert sorted(told["ids"]) == list(range(1, 41)), "each event once, those before and those after"
    assert transport is None or told["transport"] == transport
