#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command when a tile passes a value, and again when it is back: alert.py orders.created '>' 100 -- notify-send

The command gets one more argument, a sentence. It is also run when the tile becomes stale, for then nobody knows its value.
"""
import argparse
import asyncio
import operator
import subprocess

import tilewire

COMPARE = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


def number(tile, member):
    """The number of a count, a gauge or a number; of other types that member of `data`."""
    value = tile["data"].get(member)
    return value if isinstance(value, int | float) else None


def judge(tile, args):
    """What can be said of the tile; None: it is as it should be."""
    if tile is None:
        return "is gone"
    if tile.get("stale"):
        return "is stale"
    value = number(tile, args.member)
    return f"is {value} ({args.sign} {args.limit:g})" if value is not None and COMPARE[args.sign](value, args.limit) else None


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gateway", default="http://127.0.0.1:8080", help="default: %(default)s")
    parser.add_argument("--member", default="value", help="of the tile's data (default: %(default)s), such as breached of an sla_risk")
    parser.add_argument("key")
    parser.add_argument("sign", choices=COMPARE)
    parser.add_argument("limit", type=float)
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()

    said = None
    async with tilewire.Gateway(args.gateway) as gateway:
        async for item in gateway.follow(args.key):
            match item:
                case tilewire.Snapshot(tiles, gap):
                    if gap and not tiles:
                        continue  # its value follows
                    trouble = judge(tiles.get(args.key), args)
                case tilewire.Changed(tile):
                    trouble = judge(tile, args)
                case tilewire.Removed():
                    trouble = judge(None, args)
                case tilewire.Interrupted(reason):
                    print(f"nothing is heard: {reason}", flush=True)
                    continue
                case _:
                    continue
            # A value that gets worse is no news; that it passed the limit is.
            kind = trouble and trouble.split("(")[-1]
            if kind != said:
                said = kind
                sentence = f"{args.key} {trouble or 'is as it should be'}"
                print(sentence, flush=True)
                await asyncio.to_thread(subprocess.run, [*args.command, sentence], check=False)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
