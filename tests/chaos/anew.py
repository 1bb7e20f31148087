# SPDX-License-Identifier: Apache-2.0
"""When all streams began anew, because an order was lost."""
import datetime
import re

ANEW_MS = 20000  # what came so long before may be seen by nobody: two caches that are away one after the other, and an ingestor between


def moments(d, program, text):
    logs = [each.log_text() for name, each in d.programs.items() if name.startswith(program)]
    stamps = [stamp for log in logs for stamp in re.findall(rf"(?m)^(\S+)Z warn .*{text}.*$", log)]
    return [datetime.datetime.fromisoformat(stamp + "+00:00").timestamp() * 1000 for stamp in stamps]


def anew_moments(d):
    """When ingestors said that all streams begin anew, and when caches, which heard of it later on, told them so; ms."""
    lost = moments(d, "ingestor", "streams begin anew")
    return lost + [told for told in moments(d, "cache", "they are fetched anew") if any(0 <= told - moment < ANEW_MS for moment in lost)]


class Anew:
    """What nobody may have seen because streams began anew not long after it came: how often they did, and which events are excused by it. judge.py says how
    many these may be."""

    def __init__(self):
        self.moments, self.excused = [], set()

    def __bool__(self):
        return bool(self.moments)

    def settle(self, d):
        self.moments = anew_moments(d)

    def excuse(self, ids, came):
        """Of the ids that nobody saw. came: when each event came, ms."""
        self.excused = {i for i in ids if i in came and any(0 <= moment - came[i] < ANEW_MS for moment in self.moments)}
        return self.excused

    def __str__(self):
        return f"{len(self.moments)} times that streams began anew, by which {len(self.excused)} events that nobody saw are excused"
