# SPDX-License-Identifier: Apache-2.0
"""A small file system for the saved state and the lease, which fills up now and then."""
import contextlib
import os
import subprocess

SIZE = "24m"  # the state and its log fit well


class Disk:
    """Mounted at a folder of that one, where that can be: by root alone."""

    def __init__(self, folder):
        self.path = folder / "disk"
        self.path.mkdir()
        self.mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", self.path], stderr=subprocess.DEVNULL).returncode == 0

    def fill(self):
        """Up to its last byte."""
        with contextlib.suppress(OSError), (self.path / "filler").open("ab", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    def empty(self):
        (self.path / "filler").unlink(missing_ok=True)

    def close(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.path], check=True)
            self.mounted = False
