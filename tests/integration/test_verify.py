# SPDX-License-Identifier: Apache-2.0
"""`tilewire verify`: it judges tiles while rows come, at positions that both sides know."""
import random
import threading
import time

import pytest

from test_crashes import INSERT
from tilewire import RandomEvents, wait_until


class Overlapping:
    """Writers whose transactions overlap, about 900 rows a second in all: ids are committed in another order than they are taken."""

    WRITERS = 12

    def __init__(self, table):
        self.table, self.ended, self.rows, self.failures = table, threading.Event(), 0, []
        self.threads = [threading.Thread(target=self.write, args=(seed,)) for seed in range(self.WRITERS)]
        for thread in self.threads:
            thread.start()

    def write(self, seed):
        db = self.table.connect()
        try:
            rows, r = RandomEvents(seed), random.Random(seed)
            due = time.monotonic()
            while not self.ended.is_set():
                count = r.randrange(1, 8)
                with db, db.cursor() as cursor:
                    for _ in range(count):
                        cursor.execute(INSERT, rows.next())
                    due += count * self.WRITERS / 900
                    self.ended.wait(max(due - time.monotonic(), 0))  # the transaction is open meanwhile
                self.rows += count
        except Exception as problem:
            self.failures.append(problem)
        finally:
            db.close()

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()
        assert not self.failures, self.failures


@pytest.fixture
def overlapping(postgres_table):
    writers = Overlapping(postgres_table)
    yield writers
    writers.stop()


def test_overlapping_transactions_are_judged_while_they_go_on(deploy, postgres_table, overlapping):
    d = deploy(postgres_table, config={"source": {"poll_interval": "100ms"}})
    d.run("install-trigger", check=True)
    d.start()
    wait_until(lambda: overlapping.rows > 500, 30, "rows")
    outputs = [d.run("verify", "--timeout", "20s") for _ in range(12)]
    wrong = [result.stdout for result in outputs if result.returncode != 0]
    assert not wrong, f"{len(wrong)} of 12 runs:\n" + "\n".join(wrong)
