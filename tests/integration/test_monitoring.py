# SPDX-License-Identifier: Apache-2.0
"""/metrics as Prometheus reads it, and what in docs/deploy/ is built on it."""
import json
import os
import re
import subprocess

import pytest
import yaml

from conftest import ROOT
from tilewire import PATIENCE, now_iso, wait_until

DEPLOY = ROOT / "docs" / "deploy"
PROMTOOL = os.environ.get("PROMTOOL", ROOT / "build" / "tools" / "usr" / "bin" / "promtool")
PREFIX = "tilewire_gateway_"


def promtool(*arguments, text=None):
    result = subprocess.run([PROMTOOL, *arguments], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
    assert result.returncode == 0, result.stdout
    return result.stdout


def series(text):
    """{name and labels: value} of an exposition."""
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if not line.startswith("#")}


def families(text):
    return {match[1]: match[2] for match in re.finditer(r"^# TYPE (\S+) (\S+)$", text, re.M)}


def names_in(expression):
    return set(re.findall(r"tilewire_(?:gateway|tile)_\w+", expression))


def metrics(deployment):
    return deployment.request("/metrics")[2].decode()


def stage(kind, stage, what):
    return f'{PREFIX}stage_seconds_{what}{{kind="{kind}",stage="{stage}"}}'


MEASURED = []
TILE_FIGURES = []  # what /metrics/tiles says there


@pytest.fixture
def measured(request):
    """What a gateway says after a stream of each kind got news and some requests were answered; made once."""
    if not MEASURED:
        MEASURED.append(measure(request.getfixturevalue("deploy"), request.getfixturevalue("sqlite_table")))
    return MEASURED[0]


def measure(deploy, table):
    d = deploy(table, gateways=1).start()
    tiles, events = d.stream("/api/tiles/stream"), d.stream("/api/events/stream")
    tiles.await_event(lambda e: e["event"] == "tile")
    table.insert([(now_iso(-0.2), "order.created", None, "o1", None, None)])
    tiles.await_event(lambda e: e["event"] == "tile" and e["data"]["key"] == "orders.ever" and e["data"]["data"]["value"] == 1)
    events.await_event(lambda e: e["id"] == "1")
    for path in ("/api/tiles/orders.ever", "/api/tiles", "/api/events", "/api/tiles/none"):
        d.request(path)

    def read():
        text = metrics(d)
        TILE_FIGURES[:] = [d.request("/metrics/tiles")[2].decode()]
        got = series(text)
        return all(got[stage(kind, "gateway", "count")] == got[stage(kind, "source", "count")] >= 1 for kind in ("tile", "event")) and text

    return wait_until(read)


def test_metrics_are_what_prometheus_reads(measured):
    text = measured
    assert promtool("check", "metrics", text=text) == ""
    typed = families(text)
    assert set(typed) == set(re.findall(r"^# HELP (\S+) \S", text, re.M))
    for name in series(text):
        name = name.partition("{")[0]
        assert name in typed or typed.get(re.sub(r"_(bucket|sum|count)$", "", name)) == "histogram", name


def test_the_stages_add_up(measured):
    text = measured
    got = series(text)
    for kind in ("tile", "event"):
        stages = {name: got[stage(kind, name, "sum")] for name in ("source", "ingestor", "transport", "gateway")}
        count = got[stage(kind, "source", "count")]
        for since, parts in (("source", stages), ("arrival", ("ingestor", "transport", "gateway"))):
            labels = f'{{kind="{kind}",since="{since}"}}'
            assert got[f"{PREFIX}delivery_seconds_count{labels}"] == count
            assert got[f"{PREFIX}delivery_seconds_sum{labels}"] == pytest.approx(sum(stages[part] for part in parts), abs=1e-5 * count)
        assert stages["source"] >= 0.19 * count  # the row says that it is 0.2 s old
        assert got[f'{PREFIX}delivery_seconds_bucket{{kind="{kind}",since="source",le="0.1"}}'] == 0
    assert all(value == 0 for name, value in got.items() if name.startswith(f"{PREFIX}clamped_total"))


def test_fetches_are_measured_by_what_they_fetch(measured):
    text = measured
    got = series(text)
    for resource in ("tile", "tiles", "events"):  # and no refusal
        assert got[f'{PREFIX}fetch_seconds_count{{resource="{resource}"}}'] == 1
    assert got[f"{PREFIX}turn_seconds_count"] > 0


def test_waiting_for_news_is_no_latency(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1).start()
    tag = d.request("/api/tiles?keys=orders.ever")[1]["etag"]
    assert d.request("/api/tiles?keys=orders.ever&wait=1s", headers={"If-None-Match": tag})[0] == 304
    got = series(metrics(d))
    assert got[f"{PREFIX}waits_over_total"] == 1
    assert got[f'{PREFIX}fetch_seconds_count{{resource="tiles"}}'] == 2
    assert got[f'{PREFIX}fetch_seconds_sum{{resource="tiles"}}'] < 1


def test_times_that_make_no_sense_are_counted(deploy, sqlite_table):
    d = deploy(sqlite_table, gateways=1).start()
    for seconds, why in ((30, "negative"), (-86400, "over_hour")):
        sqlite_table.insert([(now_iso(seconds), "order.created", None, "o1", None, None)])
        name = f'clamped_total{{kind="event",stage="source",why="{why}"}}'
        wait_until(lambda: series(metrics(d))[PREFIX + name] == 1)
    got = series(metrics(d))
    assert got[f'{PREFIX}stage_seconds_sum{{kind="event",stage="source"}}'] == 3600


def test_what_is_built_anew_is_no_news(deploy, sqlite_table):
    """A table that was there before Tilewire does not count as late."""
    sqlite_table.insert([(now_iso(-3000), "order.created", None, "o1", None, None)])
    d = deploy(sqlite_table, gateways=1).start()
    wait_until(lambda: d.tile("orders.ever")["data"]["value"] == 1)
    got = series(metrics(d))
    assert all(value == 0 for name, value in got.items() if name.startswith(f"{PREFIX}stage_seconds_count"))


# ---- docs/deploy/ ----


def test_the_alerts_speak_of_what_exists(measured):
    text = measured
    known = {name.partition("{")[0] for name in series(text)}
    promtool("check", "config", str(DEPLOY / "prometheus.yml"))
    rules = [rule for group in yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text())["groups"] for rule in group["rules"]]
    for rule in rules:
        used = names_in(rule["expr"])
        assert used <= known and (used or "up{" in rule["expr"]), rule["alert"]
    documented = (ROOT / "docs" / "monitoring.md").read_text()
    assert all(f"`{rule['alert']}`" in documented for rule in rules)
    for name in families(text):
        assert re.search(rf"^\| `{name.removeprefix(PREFIX)}(\{{[a-z,]+\}})?` \|", documented, re.M), f"{name} is not in the table of docs/monitoring.md"


def test_the_dashboard_shows_what_exists(measured, folder):
    known = {name.partition("{")[0] for name in series(measured + TILE_FIGURES[0])}
    dashboard = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(expressions) >= len(dashboard["panels"]) >= 10
    for expression in expressions + [variable["query"]["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]:
        assert names_in(expression) and names_in(expression) <= known, expression
    rules = {"groups": [{"name": "panels", "rules": [
        {"record": f"panel:{i}", "expr": expression.replace("$__rate_interval", "1m").replace("$instance", ".*").replace("$tile", ".*")}
        for i, expression in enumerate(expressions)]}]}
    (folder / "panels.yml").write_text(yaml.safe_dump(rules))
    promtool("check", "rules", str(folder / "panels.yml"))


def slow_series(metric, labels, slow):
    """A histogram of which each minute brings 60 values of 0.02 s, or of 2 s."""
    grow = {"0.1": 0 if slow else 60, "1": 0 if slow else 60, "0.3": 0 if slow else 60, "0.5": 0 if slow else 60, "3": 60, "+Inf": 60}
    return [{"series": f'{PREFIX}{metric}_bucket{{{labels},le="{le}"}}', "values": f"0+{step}x60"} for le, step in grow.items()]


@pytest.mark.parametrize("slow", ["source", "ingestor", "transport", "gateway", None])
def test_the_alerts_name_the_slow_stage(slow, folder):
    """Prometheus' own engine evaluates the rules on made-up histories."""
    made = []
    for stage in ("source", "ingestor", "transport", "gateway"):
        made += slow_series("stage_seconds", f'kind="event",stage="{stage}"', stage == slow)
    for since in ("source", "arrival"):
        made += slow_series("delivery_seconds", f'kind="event",since="{since}"', slow is not None and (since == "source" or slow != "source"))
    made += slow_series("fetch_seconds", 'resource="tile"', slow == "gateway")
    fires = {"TilewireStageSlow": slow is not None, "TilewireNewsLate": slow is not None,
             "TilewireDeliveryLate": slow not in (None, "source"), "TilewireFetchSlow": slow == "gateway"}
    more = {"TilewireStageSlow": {"kind": "event", "stage": slow, "severity": "warning"}, "TilewireNewsLate": {"kind": "event", "severity": "warning"},
            "TilewireDeliveryLate": {"kind": "event", "severity": "critical"}, "TilewireFetchSlow": {"resource": "tile", "severity": "warning"}}
    rules = yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text())
    for rule in [rule for group in rules["groups"] for rule in group["rules"]]:
        rule.pop("annotations")  # they hold the quantile
    (folder / "rules.yml").write_text(yaml.safe_dump(rules))
    tests = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [{"interval": "1m", "input_series": made, "alert_rule_test": [
        {"eval_time": "20m", "alertname": name, "exp_alerts": [{"exp_labels": more[name]}] if fire else []} for name, fire in fires.items()]}]}
    (folder / "tests.yml").write_text(yaml.safe_dump(tests))
    promtool("test", "rules", str(folder / "tests.yml"))
