# SPDX-License-Identifier: Apache-2.0
"""A source that is configured no more: what is kept of it, and for how long."""

import signal
import sqlite3

from test_clock import DAY, Clock
from test_dedupe import Retrying
from test_several import TILES, await_counts, deployed, rows, two  # noqa: F401
from test_several_ctl import again
from tilewire import wait_until


def known_of_sources(d):
    """How many records there are of events that sources know (ingestor/dedupe/dedupe_one.h)."""
    (path,) = d.folder.glob("checkpoint.state.*[0-9]")
    db = sqlite3.connect(path, timeout=30)
    (count,) = db.execute("SELECT count(*) FROM state WHERE tile = 0 AND member >= 1 << 62").fetchone()
    db.close()
    return count


def configure(d, sources, tiles):
    """Ends the ingestor, and starts it with others."""
    wait_until(lambda: d.stats()["checkpoint_position"] == d.stats()["position"], what="a checkpoint")
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    d.config.update(sources=sources, tiles=tiles)
    d.write()
    again(d)


def test_what_a_source_knows_is_forgotten_a_day_after_it_went(deploy, folder, two):  # noqa: F811
    desk = Retrying(two["desk"], 1)
    desk.write(4)
    two["shop"].insert(rows(3))
    d = deployed(deploy, two)
    clock = Clock(folder, d["ingestor"])
    whole = d.config["sources"]
    whole[1]["dedupe"] = "payload.event_id"
    d.write()
    d.start()
    await_counts(d, shop=3, desk=len(desk.sent), all=3 + len(desk.sent))
    configure(d, whole[:1], TILES[::2])
    await_counts(d, shop=3, all=3)
    two["shop"].insert(rows(1))
    await_counts(d, shop=4, all=4)
    assert known_of_sources(d) > 0
    # Within the day it goes on: nothing that it sends again counts, and tiles of others stay as they are.
    desk.write(4)
    two["shop"].execute("DELETE FROM events WHERE id = 1")
    configure(d, whole, TILES)
    await_counts(d, shop=4, desk=len(desk.sent), all=4 + len(desk.sent))
    configure(d, whole[:1], TILES[::2])
    assert d["ingestor"].kill(signal.SIGTERM) == 0
    clock.set(DAY + 60)
    again(d)
    two["shop"].insert(rows(1))
    wait_until(lambda: known_of_sources(d) == 0, what="what desk knew to be forgotten")
    # After it nobody can tell what counts twice, so that all is built from the rows that there are.
    desk.write(4)
    configure(d, whole, TILES)
    await_counts(d, shop=4, desk=len(desk.sent), all=4 + len(desk.sent))
    assert "source.dedupe is new; all tiles are built again from the table" in d["ingestor"].log_text()
    assert known_of_sources(d) > 0
    d.verify()
