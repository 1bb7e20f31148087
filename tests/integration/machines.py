# SPDX-License-Identifier: Apache-2.0
"""Machines in small: network namespaces on one bridge. Two of them can be cut off from one another, so that packets are dropped
and nobody is told, and joined again.

The namespaces have no names: each lives as long as a process in it, and these die with the tests, however they end."""
import contextlib
import ctypes
import os
import subprocess

from network import CLONE_NEWNET, libc

NOWHERE = "02:00:00:00:00:fe"  # a link address that nobody has


def why_not():
    """Why namespaces cannot be had here; None when they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    probe = "ip link set lo up && ip link add sw type bridge && ip link add va type veth peer name vb && ip link set va master sw"
    try:
        result = subprocess.run(["unshare", "--net", "sh", "-c", probe], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError as error:
        return str(error)
    return f"this kernel or container gives no network namespaces: {result.stdout.strip()}" if result.returncode != 0 else None


class Machines:
    def __init__(self, *names):
        self.addresses = {name: f"10.213.0.{i + 1}" for i, name in enumerate(names)}
        self.cuts = set()
        self.holders = {name: self.hold() for name in ("switch", *names)}
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self.namespaces = {name: os.open(f"/proc/{holder.pid}/ns/net", os.O_RDONLY) for name, holder in self.holders.items()}
        self.ip("switch", "link", "add", "bridge0", "type", "bridge")
        self.ip("switch", "link", "set", "bridge0", "up")
        for name, address in self.addresses.items():
            self.ip("switch", "link", "add", name, "type", "veth", "peer", "name", "net0", "netns", str(self.holders[name].pid))
            self.ip("switch", "link", "set", name, "master", "bridge0", "up")
            self.ip(name, "link", "set", "lo", "up")
            self.ip(name, "address", "add", f"{address}/24", "dev", "net0")
            self.ip(name, "link", "set", "net0", "up")

    @staticmethod
    def hold():
        holder = subprocess.Popen(["unshare", "--net", "setpriv", "--pdeathsig", "KILL", "sh", "-c", "echo there; exec sleep infinity"],
                                  stdout=subprocess.PIPE)
        holder.stdout.readline()
        return holder

    def enter(self, name):
        """What goes before a command line so that it runs there."""
        return ["nsenter", f"--net=/proc/{self.holders[name].pid}/ns/net", "--"]

    def ip(self, where, *arguments):
        subprocess.run([*self.enter(where), "ip", *arguments], check=True)

    @contextlib.contextmanager
    def inside(self, name):
        """This thread is there meanwhile: its sockets, threads and processes come to be there, and stay."""
        assert libc.setns(self.namespaces[name], CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert libc.setns(self.home, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())

    def cut(self, a, b):
        """What one sends to the other goes nowhere."""
        for here, there in ((a, b), (b, a)):
            self.ip(here, "neighbour", "replace", self.addresses[there], "lladdr", NOWHERE, "dev", "net0", "nud", "permanent")

        self.cuts.add(frozenset((a, b)))

    def join(self, a, b):
        for here, there in ((a, b), (b, a)):
            self.ip(here, "neighbour", "del", self.addresses[there], "dev", "net0")
        self.cuts.discard(frozenset((a, b)))

    def join_all(self):
        """What a test has cut is whole for the next one, though it failed."""
        for a, b in list(self.cuts):
            self.join(a, b)

    def close(self):
        for fd in (self.home, *self.namespaces.values()):
            os.close(fd)
        for holder in self.holders.values():
            holder.kill()
            holder.wait()
            holder.stdout.close()
