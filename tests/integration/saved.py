# SPDX-License-Identifier: Apache-2.0
"""What an ingestor has saved."""
from tilewire import wait_until


def kill_saved_ingestor(d):
    """Kills it when all that it has folded is saved: what is gone from its source afterwards is not gone from its tiles."""
    wait_until(lambda: (stats := d.stats())["checkpoint_position"] == stats["position"], what="all that was folded to be saved")
    d["ingestor"].kill()
