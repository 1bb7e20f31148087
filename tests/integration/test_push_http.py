# SPDX-License-Identifier: Apache-2.0
"""POST /api/events: who may push what, in which form, and what is answered when it cannot be stored."""
import concurrent.futures
import http.client
import json
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from conftest import bin_folder
from issuer import Issuer, bearer
from test_push import TILES, PushFile
from tilewire import PATIENCE, Deployment, wait_until

JSON = {"Content-Type": "application/json"}
CLOUD = {"specversion": "1.0", "id": "7", "source": "/shop", "type": "deploy", "data": {"n": 1}}


def with_push(deploy, pushed, gateways=1, **gateway):
    """Each gateway knows the ingestor."""
    d = deploy(pushed, tiles=TILES, gateways=gateways, config={"gateway": gateway} if gateway else None)
    d.config["gateway"]["push"] = [{"query": d.addresses[1]}]
    d.write()
    return d


@pytest.fixture(scope="module")
def shared():
    """One deployment for the tests that only push, and look at what is answered."""
    with tempfile.TemporaryDirectory(prefix="tilewire-test-") as name:
        folder = pathlib.Path(name)
        pushed = PushFile(folder / "pushed.db")
        d = with_push(lambda table, **options: Deployment(folder / "d", table, bin_folder(), **options), pushed).start()
        wait_until(lambda: post(d, {"event_type": "first"})[0] == 201)
        yield d
        assert not d.stop()


def post(d, body, headers=None, gateway=0):
    body = body if isinstance(body, (str, bytes)) else json.dumps(body)
    status, fields, text = d.request("/api/events", "POST", headers=JSON if headers is None else headers, body=body, gateway=gateway)
    return status, json.loads(text), fields


def ids(answer):
    assert answer[0] == 201, answer
    return answer[1]["ids"]


def test_curl_as_the_page_has_it(shared):
    out = subprocess.run(["curl", "-sS", "-d", '{"event_type":"deploy","summary":"v42"}', f"http://127.0.0.1:{shared.gateway_ports[0]}/api/events"],
                         check=True, stdout=subprocess.PIPE, text=True).stdout
    (new,) = json.loads(out)["ids"]
    assert shared.table.rows(f"SELECT event_type, summary FROM events WHERE id = {new}") == [("deploy", "v42")]


def test_every_form(shared):
    event = {"event_type": "deploy"}
    lines = {"Content-Type": "application/x-ndjson"}
    assert len(ids(post(shared, [event, event]))) == 2
    assert len(ids(post(shared, '{"event_type":"deploy"}\n{"event_type":"deploy"}\n', lines))) == 2
    (one,) = ids(post(shared, CLOUD, {"Content-Type": "application/cloudevents+json; charset=utf-8"}))
    assert len(ids(post(shared, [CLOUD, CLOUD], {"Content-Type": "application/cloudevents-batch+json"}))) == 2
    binary = {"ce-specversion": "1.0", "ce-id": "7", "ce-source": "/shop", "ce-type": "deploy"}
    (two,) = ids(post(shared, '{"n": 1}', JSON | binary))
    rows = shared.table.rows(f"SELECT event_type, actor_id, payload FROM events WHERE id IN ({one}, {two}) ORDER BY id")
    assert rows == [("deploy", "/shop", '{"n": 1}')] * 2
    chunks = http.client.HTTPConnection("127.0.0.1", shared.gateway_ports[0], timeout=PATIENCE)
    chunks.request("POST", "/api/events", body=iter([b'{"event_', b'type":"deploy"}']), headers=JSON, encode_chunked=True)
    assert chunks.getresponse().status == 201
    chunks.close()


def test_expect_100_continue(shared):
    body = b'{"event_type":"deploy"}'
    with socket.create_connection(("127.0.0.1", shared.gateway_ports[0]), 30) as s:
        s.sendall(b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
                  b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert s.recv(1000).startswith(b"HTTP/1.1 100 ")
        s.sendall(body)
        text = b""
        while part := s.recv(10000):
            text += part
    assert text.startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize("body, headers, status, words", [
    ("", JSON, 400, "empty"),
    ('[{"event_type":"deploy"},{"event_type":}]', JSON, 400, "event 2, which begins at byte 25"),
    ('{"event_type":"deploy","sumary":"x"}', JSON, 400, '"sumary" is no field'),
    ('{"event_type":"deploy"}', JSON | {"Idempotency-Key": "k" * 257}, 400, "Idempotency-Key"),
    ('{"event_type":"deploy"}', JSON | {"Content-Encoding": "gzip"}, 415, "Content-Encoding"),
    ('{"event_type":"deploy"}', {"Content-Type": "text/plain"}, 415, "application/json"),
    ('{"event_type":"deploy"}', {"Content-Type": "multipart/form-data; boundary=x"}, 415, "application/json"),
    ('{"event_type":"deploy"}', JSON | {"Origin": "https://evil.example"}, 403, "another origin"),
    ('{"event_type":"deploy"}', JSON | {"Origin": "null"}, 403, "another origin"),
    ('{"event_type":"deploy"}', JSON | {"Sec-Fetch-Site": "cross-site"}, 403, "another origin"),
    ('{"event_type":"deploy"}', {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-site"}, 403, "another origin"),
    (" " * 300000, JSON, 413, "limits.push"),
    (json.dumps({"event_type": "deploy", "summary": "x" * 70000}), JSON, 413, "65536"),
    ("\n".join(['{"event_type":"a"}'] * 10001), JSON, 413, "10000"),
])
def test_what_is_refused(shared, body, headers, status, words):
    before = shared.table.rows("SELECT count(*) FROM events")
    got, problem, fields = post(shared, body, headers)
    assert (got, fields["content-type"]) == (status, "application/problem+json") and words in problem["detail"], problem
    assert shared.table.rows("SELECT count(*) FROM events") == before


def test_a_page_of_our_own_may_push(shared):
    own = f"http://127.0.0.1:{shared.gateway_ports[0]}"
    assert post(shared, {"event_type": "deploy"}, JSON | {"Origin": own, "Sec-Fetch-Site": "same-origin"})[0] == 201
    _, fields, _ = shared.request("/api/events", "OPTIONS", headers={"Origin": "https://evil.example"})
    assert "POST" not in fields["access-control-allow-methods"] and "POST" in fields["allow"]


def test_a_key_counts_once(shared):
    key = JSON | {"Idempotency-Key": "deploy-42"}
    (first,) = ids(post(shared, {"event_type": "deploy"}, key))
    status, answer, _ = post(shared, {"event_type": "deploy"}, key)
    assert (status, answer) == (200, {"ids": [first], "repeated": True})
    status, problem, _ = post(shared, {"event_type": "deploy", "summary": "other"}, key)
    assert status == 422 and "used for other events" in problem["detail"]


def test_many_at_once_share_commits(shared):
    before = shared.stats()
    with concurrent.futures.ThreadPoolExecutor(200) as pool:  # more than there may be replies to queries under way
        new = [i for answer in pool.map(lambda n: post(shared, {"event_type": "deploy", "target_id": n}), range(1000)) for i in ids(answer)]
    assert len(set(new)) == 1000
    after = shared.stats()
    assert after["pushed_events"] - before["pushed_events"] == 1000
    assert after["push_commits"] - before["push_commits"] < 1000


def test_off_unless_configured(deploy, folder):
    d = deploy(PushFile(folder / "pushed.db"), tiles=TILES, gateways=1).start()
    status, problem, fields = post(d, {"event_type": "deploy"})
    assert status == 405 and "POST" not in fields["allow"], problem


def test_no_ingestor_is_503_and_nothing_half_done(deploy, folder):
    """One that is away took nothing. One that hangs may have it: who repeats with the key counts once, over another gateway too."""
    pushed = PushFile(folder / "pushed.db")
    d = with_push(deploy, pushed, gateways=2).start()
    assert ids(wait_until(lambda: (a := post(d, {"event_type": "deploy"}))[0] == 201 and a)) == [1]
    assert ids(wait_until(lambda: (a := post(d, {"event_type": "deploy"}, gateway=1))[0] == 201 and a)) == [2]
    d["ingestor"].process.send_signal(signal.SIGSTOP)
    key = JSON | {"Idempotency-Key": "once"}
    began = time.monotonic()
    status, problem, fields = post(d, {"event_type": "deploy"}, key)
    assert status == 503 and "Idempotency-Key" in problem["detail"] and int(fields["retry-after"]) > 0, problem
    assert time.monotonic() - began >= 4
    d["ingestor"].process.send_signal(signal.SIGCONT)
    again = wait_until(lambda: (a := post(d, {"event_type": "deploy"}, key, gateway=1))[0] in (200, 201) and a)
    assert again[1]["ids"] == [3]
    assert pushed.rows() == [(1,), (2,), (3,)]
    d["ingestor"].kill(signal.SIGKILL)
    away = wait_until(lambda: (a := post(d, {"event_type": "lost"}))[0] == 503 and "Nothing was stored" in a[1]["detail"] and a)
    assert int(away[2]["retry-after"]) > 0
    d.start("ingestor")
    assert wait_until(lambda: (a := post(d, {"event_type": "deploy"}, key))[0] == 200 and a)[1]["ids"] == [3]
    wait_until(lambda: d.tile("deploys")["data"]["value"] == 3)
    d.verify()


def test_the_standby_that_takes_over_is_found(deploy, folder):
    pushed = PushFile(folder / "pushed.db")
    d = with_push(deploy, pushed)
    upstream = d.twin("standby", "ingestor")
    d.config["gateway"]["push"].insert(0, {"query": upstream["query"]})
    d.write()
    d.start("ingestor", "cache", "gateway0")
    d["standby"].start().await_log("standing by")
    assert ids(wait_until(lambda: (a := post(d, {"event_type": "deploy"}))[0] == 201 and a)) == [1]
    d["ingestor"].kill(signal.SIGKILL)
    key = JSON | {"Idempotency-Key": "once"}
    assert wait_until(lambda: (a := post(d, {"event_type": "deploy"}, key))[0] in (200, 201) and a, 60)[1]["ids"] == [2]
    assert pushed.rows() == [(1,), (2,)]


def test_who_may_push_which_types(deploy, folder):
    pushed, issuer = PushFile(folder / "pushed.db"), Issuer(folder)
    d = with_push(deploy, pushed, auth="jwt", jwt={"issuers": [issuer.config()]})
    d.start()

    def as_(claim, event="deploy", **more):
        headers = JSON | bearer(issuer.token(tilewire=claim, **more))
        return post(d, {"event_type": event}, headers | {"Idempotency-Key": "same"})

    everything = bearer(issuer.token(tilewire={}))
    wait_until(lambda: d.request("/api/tiles/deploys", headers=everything)[0] == 200)
    assert post(d, {"event_type": "deploy"})[0] == 401
    for claim in ({}, {"push": []}, {"push": ["alert.*"]}):
        status, problem, _ = as_(claim)
        assert status == 403 and "may not push events of the type deploy" in problem["detail"], claim
    assert as_({"push": "deploy"})[0] == 401
    assert pushed.rows() == []
    assert as_({"push": ["alert.*", "dep*"]}, sub="ada")[:2] == (201, {"ids": [1], "repeated": False})
    assert as_({"push": ["deploy"]}, sub="bob")[:2] == (201, {"ids": [2], "repeated": False}), "a key is its client's own"
    assert as_({"push": ["deploy"]}, sub="ada")[:2] == (200, {"ids": [1], "repeated": True})


def test_pushes_are_charged_to_their_client(deploy, folder):
    limits = {"requests_per_second": 1, "requests_burst": 5}
    d = with_push(deploy, PushFile(folder / "pushed.db"), limits=limits)
    d.start()
    answers = [post(d, {"event_type": "deploy"}) for _ in range(8)]
    refused = [fields for status, _, fields in answers if status == 429]
    assert len(refused) >= 2 and all(int(fields["retry-after"]) > 0 for fields in refused)
    assert {status for status, _, _ in answers} <= {201, 429}
