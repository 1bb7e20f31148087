# SPDX-License-Identifier: Apache-2.0
"""Tables whose times name no zone, in Berlin's local time: windows, deadlines and points over both changes of the clock."""
import datetime
import json
import subprocess
import time
import types
import zoneinfo

import pytest

from test_clock import Clock
from tilewire import PATIENCE, wait_until

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
LOCAL = {"source": {"time_zone": "Europe/Berlin"}}
SLA = {"key": "sla", "type": "sla_risk", "opens": {"event_type": "x"}, "closes": {"event_type": "y"}, "item": "target_id", "due": "payload.due"}
AUTUMN = ["2026-10-25 01:30:00", "2026-10-25 02:15:00", "2026-10-25 02:45:00.5", "2026-10-25 03:10:00", "2026-10-25"]
SPRING = ["2026-03-29 01:30:00", "2026-03-29 02:30:00", "2026-03-29 03:10:00.5", "2026-03-29"]


class Past:
    """A deployment all of whose programs have another time, and `tilewire verify` at that time."""

    def __init__(self, d, folder):
        self.d = d
        self.verifier = types.SimpleNamespace(name="verify", command=[str(d.bin / "tilewire"), "-c", str(d.file), "verify", "--timeout", "5s"])
        self.clocks = [Clock(folder, program) for program in (*d.programs.values(), self.verifier)]

    def set(self, text, plus_s=0):
        """So many seconds after that local time."""
        for clock in self.clocks:
            clock.set(int(instant(text).timestamp() + plus_s - time.time()))

    def verify(self):
        result = subprocess.run(self.verifier.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
        assert result.returncode == 0, result.stdout


@pytest.fixture(params=["sqlite", "timestamp", "text", "date"])
def local_table(request):
    """An events table whose timestamps are local, of several types."""
    table = request.getfixturevalue("sqlite_table" if request.param == "sqlite" else "postgres_table")
    table.only_dates = request.param == "date"
    if request.param != "sqlite":
        table.execute(f"ALTER TABLE events ALTER COLUMN timestamp TYPE {request.param} USING NULL")
    return table


def instant(text):
    """By Python: with fold=0 a time that comes twice is the first, and one that never comes is as if the clock had not changed."""
    return datetime.datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def points(texts, step_s):
    """The points of a trend that counts."""
    counted = {}
    for text in texts:
        at = int(instant(text).timestamp() // step_s * step_s * 1000)
        counted[str(at)] = counted.get(str(at), 0) + 1
    return counted


def insert(table, texts):
    rows = [text[:10] for text in texts] if table.only_dates else texts
    return table.insert([(text, "x", None, f"i{i}", None, json.dumps({"due": text})) for i, text in enumerate(rows)])


@pytest.mark.parametrize("texts", [AUTUMN, SPRING])
def test_local_times_are_right_over_a_change_of_the_clock(deploy, folder, local_table, texts):
    last = insert(local_table, texts)
    d = deploy(local_table, config=LOCAL, tiles=[SLA, {"key": "rate", "type": "trend", "step": "10m", "length": 200}])
    past = Past(d, folder)
    past.set(texts[-1] + " 12:00:00")
    d.start()
    wait_until(lambda: d.stats()["position"] == last)
    shown = [text[:10] for text in texts] if local_table.only_dates else texts
    wait_until(lambda: d.tile("rate")["data"]["points"] == points(shown, 600))
    due = sorted(instant(text).astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") for text in shown)
    wait_until(lambda: [item["due_at"] for item in d.tile("sla")["data"]["worst"]] == due, what="the deadlines")
    past.verify()


def test_windows_of_a_table_in_local_time_are_full(deploy, local_table):
    """With the time zone UTC they showed 0: all rows were an hour or two ahead, or beyond the window."""
    d = deploy(local_table, config=LOCAL, tiles=[{"key": "window", "type": "count", "window": "2d" if local_table.only_dates else "1m"}]).start()
    now = datetime.datetime.now(BERLIN).replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
    insert(local_table, [now] * 7)
    wait_until(lambda: d.tile("window")["data"]["value"] == 7)
    assert d.stats()["future_rows_waiting"] == 0
    d.verify()


def test_a_row_of_the_second_time_counts_as_one_of_the_first(deploy, folder, sqlite_table):
    sqlite_table.only_dates = False
    d = deploy(sqlite_table, config=LOCAL, tiles=[{"key": "minutes", "type": "count", "window": "10m"}, {"key": "hours", "type": "count", "window": "2h"}])
    past = Past(d, folder)
    past.set("2026-10-25 02:30:00")
    d.start()
    insert(sqlite_table, ["2026-10-25 02:29:30"])
    wait_until(lambda: d.tile("minutes")["data"]["value"] == 1)
    past.verify()
    d.stop()
    past.set("2026-10-25 02:30:00", 3600)
    d.start()
    insert(sqlite_table, ["2026-10-25 02:29:30", "2026-10-25 02:30:00"])
    wait_until(lambda: d.tile("hours")["data"]["value"] == 3)
    wait_until(lambda: d.tile("minutes")["data"]["value"] == 0)
    past.verify()


PERIODS = [{"key": "today", "type": "count", "window": "today"}, {"key": "week", "type": "count", "window": "this_week"},
           {"key": "month", "type": "count", "window": "this_month"},
           *({"key": step, "type": "trend", "step": step, "length": 6, "aggregate": "sum", "value": "payload.n"} for step in ("1d", "1w", "1M"))]


HOURS = [{"key": "hours", "type": "heatmap"}, {"key": "hours.recent", "type": "heatmap", "window": "14d"}]


def hour_of_week(t):
    """Counted from Sunday, with which weeks begin here."""
    return t.isoweekday() % 7 * 24 + t.hour


def cells(seen, now, weeks):
    """What a heatmap shows: an hour that has not begun this week is that of the weeks before."""
    sunday, shown = now.date() - datetime.timedelta(days=now.isoweekday() % 7), {}
    for t in seen:
        week = (t.date() - sunday).days // 7  # 0 is this one
        if week > -weeks or (week == -weeks and hour_of_week(t) > hour_of_week(now)):
            day = shown.setdefault(f"{t:%A}".lower(), {})
            day[str(t.hour)] = day.get(str(t.hour), 0) + 1
    return shown


def midnight(year, month, day):
    """In ms since 1970."""
    return int(datetime.datetime(year, month, day, tzinfo=BERLIN).timestamp() * 1000)


def at_midnight(day):
    return datetime.datetime(day.year, day.month, day.day, tzinfo=BERLIN)


@pytest.mark.parametrize("day", ["2026-10-25", "2026-10-26", "2026-03-29", "2026-03-30"])
def test_days_weeks_and_months_over_the_change_of_the_clock(deploy, folder, table, day):
    """Rows of each hour since the first of the month, seen in the evening of the day with 25 hours, or 23, and on the day after."""
    if table.kind == "postgresql":
        table.execute("ALTER TABLE events ALTER COLUMN timestamp TYPE timestamp USING NULL")
    day = datetime.date.fromisoformat(day)
    first, sunday = day.replace(day=1), day - datetime.timedelta(days=(day.weekday() + 1) % 7)
    begin = int(at_midnight(first).timestamp())
    hours = [datetime.datetime.fromtimestamp(begin + hour * 3600, BERLIN) for hour in range(30 * 24)]
    hours = [t for t in hours if not t.fold]  # a table of local time does not tell the two apart
    last = table.insert([(t.replace(tzinfo=None).isoformat(sep=" "), "x", None, None, None, json.dumps({"n": 3})) for t in hours])
    d = deploy(table, config={"source": {"time_zone": "Europe/Berlin", "week_starts": "sunday"}}, tiles=[*PERIODS, *HOURS])
    past = Past(d, folder)
    past.set(f"{day} 20:00:00")
    d.start()
    wait_until(lambda: d.stats()["position"] == last)
    seen = [t for t in hours if t.replace(tzinfo=None) <= datetime.datetime(day.year, day.month, day.day, 20)]

    def since(date):
        return sum(t.date() >= date for t in seen)

    assert since(day) == (20 if day == datetime.date(2026, 3, 29) else 21), "of the hour that comes twice one, and none of that which never comes"
    value = {key: d.tile(key)["data"]["value"] for key in ("today", "week", "month")}
    assert value == {"today": since(day), "week": since(sunday), "month": since(first)}
    begins = at_midnight(day).astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert d.tile("today")["data"] == {"value": since(day), "window": "today", "time_zone": "Europe/Berlin", "begins_at": begins}
    days = d.tile("1d")["data"]
    dates = [day - datetime.timedelta(days=back) for back in range(5, -1, -1)]
    assert days["starts"] == [midnight(date.year, date.month, date.day) for date in dates]
    assert days["points"] == {str(midnight(date.year, date.month, date.day)): 3 * sum(t.date() == date for t in seen) for date in dates}
    weeks = [sunday - datetime.timedelta(days=7), sunday]
    assert d.tile("1w")["data"]["starts"][-2:] == [midnight(date.year, date.month, date.day) for date in weeks]
    months = [(day.year - (day.month - back < 1), (day.month - back - 1) % 12 + 1) for back in range(5, -1, -1)]
    now = datetime.datetime(day.year, day.month, day.day, 20)
    assert d.tile("hours")["data"]["cells"] == cells(seen, now, 10)
    assert d.tile("hours.recent")["data"]["cells"] == cells(seen, now, 2) != cells(seen, now, 10)
    assert d.tile("1M")["data"]["starts"] == [midnight(year, month, 1) for year, month in months]
    past.verify()


def test_at_midnight_today_begins_anew(deploy, folder, sqlite_table):
    """Over the midnight of the day with 25 hours, and across a crash behind it."""
    sqlite_table.only_dates = False
    d = deploy(sqlite_table, config=LOCAL, tiles=[*PERIODS[:3], {"key": "days", "type": "trend", "step": "1d", "length": 3},
                                                           {"key": "hours", "type": "heatmap", "window": "7d"}])
    past = Past(d, folder)
    past.set("2026-10-25 23:59:52")
    d.start()
    insert(sqlite_table, ["2026-10-25 23:59:50", "2026-10-25 00:00:00", "2026-10-24 23:59:59", "2026-10-26 00:00:00", "2026-10-26 00:00:01"])
    before, after = {"value": 2, "begins_at": "2026-10-24T22:00:00.000Z"}, {"value": 2, "begins_at": "2026-10-25T23:00:00.000Z"}
    assert wait_until(lambda: (data := d.tile("today")["data"])["value"] == 2 and data).items() >= before.items()
    days = {str(midnight(2026, 10, 24)): 1, str(midnight(2026, 10, 25)): 2}
    wait_until(lambda: d.tile("days")["data"]["points"] == days)
    past.verify()
    assert d.tile("hours")["data"]["cells"] == {"saturday": {"23": 1}, "sunday": {"0": 1, "23": 1}}
    wait_until(lambda: d.tile("today")["data"].items() >= after.items())
    wait_until(lambda: d.tile("hours")["data"]["cells"] == {"saturday": {"23": 1}, "sunday": {"0": 1, "23": 1}, "monday": {"0": 2}})
    wait_until(lambda: (d.tile("week")["data"]["value"], d.tile("month")["data"]["value"]) == (2, 5))  # the 26th is a Monday
    data = d.tile("days")["data"]
    assert data["points"] == {**days, str(midnight(2026, 10, 26)): 2}
    assert data["starts"] == [midnight(2026, 10, 24), midnight(2026, 10, 25), midnight(2026, 10, 26)]
    past.verify()
    wait_until(lambda: d.stats()["checkpoint_position"] == 5)
    d["ingestor"].kill()
    d.start("ingestor")
    d["ingestor"].await_log("going on after position")
    assert d.tile("today")["data"].items() >= after.items()
    past.verify()


def test_another_time_zone_makes_all_tiles_anew(deploy, local_table):
    d = deploy(local_table, tiles=[SLA])
    d.start()
    insert(local_table, ["2024-10-01 12:00:00"])
    wait_until(lambda: d.tile("sla")["data"]["breached"] == 1 and d.stats()["checkpoint_position"] == 1)
    d.config["source"]["time_zone"] = "Europe/Berlin"
    d.write()
    d["ingestor"].kill()
    d.start("ingestor")
    due = "2024-09-30T22:00:00.000Z" if local_table.only_dates else "2024-10-01T10:00:00.000Z"
    wait_until(lambda: d.tile("sla")["data"]["worst"][0]["due_at"] == due)
    d.verify()


def test_an_unknown_time_zone_is_named_with_its_place_in_the_file(deploy, sqlite_table):
    d = deploy(sqlite_table, config={"source": {"time_zone": "Europe/Berln"}})
    result = d.run("check")
    assert result.returncode != 0
    line = d.file.read_text().split("\n").index("  time_zone: Europe/Berln") + 1
    assert f"{d.file}:{line}:14: source.time_zone: there is no time zone \"Europe/Berln\"" in result.stdout


@pytest.mark.parametrize("moment, shown", [
    ("2010-11-07T02:20:00Z", {"saturday": {"23": 1}}), ("2010-11-07T03:10:00Z", {"sunday": {"0": 1}, "saturday": {"23": 1}}),
    ("2010-11-07T04:10:00Z", {"sunday": {"0": 2}, "saturday": {"23": 2}})])
def test_an_hour_that_was_moved_over_the_end_of_a_week(deploy, folder, table, moment, shown):
    """In St. John's, a minute after the midnight that ended Saturday, the clock was put back to 23:01."""
    times = ["2010-11-07T02:00:00Z", "2010-11-07T02:30:00Z", "2010-11-07T03:00:00Z", "2010-11-07T04:00:00Z"]  # 23:30, 0:00, 23:30, 0:30
    last = table.insert([(text, "x", None, None, None, "{}") for text in times])
    d = deploy(table, config={"source": {"time_zone": "America/St_Johns", "week_starts": "sunday"}},
               tiles=[{"key": "week", "type": "heatmap", "window": "7d"}, *HOURS])
    past = Past(d, folder)
    for clock in past.clocks:
        clock.set(int(datetime.datetime.fromisoformat(moment).timestamp() - time.time()))
    d.start()
    wait_until(lambda: d.stats()["position"] == last)
    wait_until(lambda: d.tile("week")["data"]["cells"] == shown)
    past.verify()
