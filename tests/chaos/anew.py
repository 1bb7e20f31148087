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
