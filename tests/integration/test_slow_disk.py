# SPDX-License-Identifier: Apache-2.0
"""A disk on which fsync takes seconds, or does not return. A library that is loaded before others lets as many through as the test
says."""
import fcntl
import mmap
import os
import signal
import struct
import subprocess

import pytest

from conftest import make_table
from test_failover import TAKEN_OVER, any_table, epoch  # noqa: F401 (any_table is a fixture)
from tilewire import PATIENCE, RandomEvents, wait_until

SHIM = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
static _Atomic int64_t *disk; /* how many more are let through, and how many wait */
__attribute__((constructor)) static void begin(void)
{
    const int fd = open(getenv("SLOW_DISK"), O_RDWR);
    disk = mmap(NULL, 2 * sizeof *disk, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
}
static void await_turn(void)
{
    int64_t left = disk[0];
    disk[1]++;
    while (left <= 0 || !atomic_compare_exchange_weak(&disk[0], &left, left - 1)) {
        if (left <= 0) {
            usleep(2000);
            left = disk[0];
        }
    }
    disk[1]--;
}
int fsync(int fd) { await_turn(); return (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { await_turn(); return (int)syscall(SYS_fdatasync, fd); }
"""

ALL = 1 << 40


class Disk:
    """The disk of one program."""

    def __init__(self, folder, program):
        library, state = folder / "disk.so", folder / f"disk-{program.name}"
        if not library.exists():
            (folder / "disk.c").write_text(SHIM)
            subprocess.run(["cc", "-shared", "-fPIC", "-o", library, folder / "disk.c"], check=True)
        state.write_bytes(struct.pack("qq", ALL, 0))
        with open(state, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 16)
        sanitizer = os.environ.get("ASAN_OPTIONS", "")
        program.command = ["env", f"LD_PRELOAD={library}", f"SLOW_DISK={state}",
                           f"ASAN_OPTIONS={sanitizer}{':' if sanitizer else ''}verify_asan_link_order=0", *program.command]

    def let_through(self, count):
        struct.pack_into("q", self.map, 0, count)

    def is_waited_for(self):
        return struct.unpack_from("q", self.map, 8)[0] != 0


@pytest.fixture(params=["sqlite-texts", "postgresql-uuid"])
def cursor_table(request, folder):
    yield from make_table(request.param, request, folder)


def with_disks(deploy, table, folder):
    """An ingestor, its standby and a stream, and the two ingestors' disks."""
    d = deploy(table, gateways=1)
    d.config["source"]["poll_interval"] = "100ms"
    d.config["cache"]["upstreams"] = [{"publish": d.addresses[0], "query": d.addresses[1]}, d.twin("standby", "ingestor")]
    d.write()
    disks = [Disk(folder, d[name]) for name in ("ingestor", "standby")]
    d.start("ingestor")
    d["standby"].start()
    d["standby"].await_log("standing by")
    d.start("cache", "gateway0")
    stream = d.stream("/api/events/stream")
    return d, disks, stream


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL, signal.SIGTERM], ids=lambda how: how.name)
def test_a_standby_takes_over_while_the_disk_hangs(deploy, any_table, folder, how):  # noqa: F811
    """With the checkpoint in a file. No fsync is waited for; but for a single one where there is a journal, which is copied."""
    d, disks, stream = with_disks(deploy, any_table, folder)
    rows = RandomEvents(71)
    any_table.insert([rows.next() for _ in range(100)])
    d.verify()
    for disk in disks:
        disk.let_through(0)
    any_table.insert([rows.next()])
    wait_until(disks[0].is_waited_for, what="a checkpoint to be under way")
    before = epoch(d, "ingestor")
    d["ingestor"].process.send_signal(how)
    last = any_table.insert([rows.next()])
    if any_table.kind == "postgresql":
        wait_until(disks[1].is_waited_for, TAKEN_OVER, "the journal to be copied")
        disks[1].let_through(1)
    stream.await_event(lambda e: e["id"] == str(last), TAKEN_OVER)
    assert epoch(d, "standby") > before
    wait_until(disks[1].is_waited_for, what="the standby's first checkpoint, which hangs")
    for disk in disks:
        disk.let_through(ALL)
    d["ingestor"].process.send_signal(signal.SIGCONT)
    d.verify()
    assert not [e for e in stream.events if e["event"] == "reset"]


@pytest.mark.parametrize("how, fsyncs", [(signal.SIGSTOP, 4), (signal.SIGKILL, 2)], ids=lambda p: getattr(p, "name", ""))
def test_by_source_cursor_a_standby_waits_for_the_disk_with_what_it_publishes(deploy, cursor_table, folder, how, fsyncs):
    """Each batch is journaled before it is delivered. While the disk hangs it leads and delivers nothing; then each event comes once.
    What was stopped may still write to its state, so the standby copies it: database, folder, the file that names it, folder again."""
    d, disks, stream = with_disks(deploy, cursor_table, folder)
    rows = RandomEvents(73)
    cursor_table.insert([rows.next() for _ in range(100)])
    d.verify()
    for disk in disks:
        disk.let_through(0)
    held = [cursor_table.insert([rows.next()])]
    wait_until(disks[0].is_waited_for, what="the journal, or a checkpoint, to be under way")
    d["ingestor"].process.send_signal(how)
    held.append(cursor_table.insert([rows.next()]))
    wait_until(disks[1].is_waited_for, TAKEN_OVER, "the standby to write")
    assert held[1] not in [e["id"] for e in stream.events]
    disks[1].let_through(fsyncs)
    for row_id in held:
        stream.await_event(lambda e, row_id=row_id: e["id"] == row_id)
    for disk in disks:
        disk.let_through(ALL)
    d["ingestor"].process.send_signal(signal.SIGCONT)
    d.verify()
    assert sorted(e["id"] for e in stream.events if e["id"] in held) == sorted(held) and not [e for e in stream.events if e["event"] == "reset"]


def test_a_last_checkpoint_that_takes_long_is_saved_though_the_lease_is_given_back(deploy, sqlite_table, folder):
    d = deploy(sqlite_table)
    disk = Disk(folder, d["ingestor"])
    d.start("ingestor")
    rows = RandomEvents(72)
    first = sqlite_table.insert([rows.next()])
    wait_until(lambda: d.stats()["checkpoint_position"] == first, what="a checkpoint with all rows")
    disk.let_through(0)
    last = sqlite_table.insert([rows.next()])
    wait_until(disk.is_waited_for, what="a checkpoint to be under way")
    d["ingestor"].process.send_signal(signal.SIGTERM)
    with open(f"{d.folder}/checkpoint.lock.1") as lock:

        def is_free():
            try:
                return fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB) is None
            except BlockingIOError:
                return False

        wait_until(is_free, what="the lease to be given back")
    assert d["ingestor"].alive()
    disk.let_through(ALL)
    assert d["ingestor"].process.wait(timeout=PATIENCE) == 0
    d.start("ingestor")
    assert f"going on after position {last};" in d["ingestor"].log_text()
