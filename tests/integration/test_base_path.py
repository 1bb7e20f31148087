# SPDX-License-Identifier: Apache-2.0
"""gateway.base_path: a proxy passes requests on as they came, under a path."""
import pytest

from tilewire import RandomEvents


@pytest.fixture
def d(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1, config={"gateway": {"base_path": "/ops/tilewire"}}).start()
    sqlite_table.load(list(range(1, 4)), RandomEvents(1))
    d.verify()
    return d


def test_all_is_there_under_the_path_and_without_it(d):
    for base in ("/ops/tilewire", ""):
        for path in ("/", "/assets/app.js", "/api/tiles", "/api/events?limit=2", "/healthz", "/metrics"):
            assert d.request(base + path)[0] == 200, base + path
        assert d.get_json(f"{base}/api/tiles/orders.ever")["key"] == "orders.ever"
        stream = d.stream(f"{base}/api/tiles/stream?keys=orders.ever")
        assert stream.await_event(lambda e: e["event"] == "tile")["data"]["key"] == "orders.ever"
    assert d.request("/ops/tilewire/ops/tilewire/api/tiles")[0] == 404, "once is enough"


def test_the_path_itself_leads_to_the_page(d):
    status, headers, _ = d.request("/ops/tilewire")
    assert (status, headers["location"]) == (308, "/ops/tilewire/")


def test_what_only_begins_like_the_path_is_another(d):
    for path in ("/ops", "/ops/", "/ops/tilewire2/api/tiles", "/ops/tilewireapi/tiles", "/OPS/tilewire/api/tiles"):
        assert d.request(path)[0] == 404, path
