# SPDX-License-Identifier: Apache-2.0
"""A network of one's own (a network namespace), whose settings a test may change. Needs root."""
import ctypes
import os
import pathlib
import subprocess

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def available():
    return subprocess.run(["unshare", "--net", "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0


class Network:
    """The thread that makes it is inside from then on, with all that it starts, until close()."""

    def __init__(self):
        self.outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        assert libc.unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        self.inside = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    def set(self, name, value):
        pathlib.Path("/proc/sys/" + name.replace(".", "/")).write_text(f"{value}\n")

    def enter(self):
        """For other threads."""
        assert libc.setns(self.inside, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())

    def close(self):
        assert libc.setns(self.outside, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        os.close(self.inside)
        os.close(self.outside)
