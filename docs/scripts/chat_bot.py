#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Posts to a chat when the status of a tile changes, and each event of chosen types, by a webhook: chat_bot.py https://chat.example.org/hooks/ops

The webhook gets {"text": "…"}, as Slack, Mattermost, Rocket.Chat and others take it. A tile has a status if its definition says `warn` or `critical`.
"""
import argparse
import asyncio

import httpx

import tilewire

SIGNS = {"ok": "🟢", "warn": "🟡", "critical": "🔴"}


async def post(client, args, text):
    """Once more after a moment if the chat does not answer; a message is not worth more."""
    for wait_s in (1, 0):
        try:
            (await client.post(args.webhook, json={"text": text})).raise_for_status()
            return
        except httpx.HTTPError as error:
            print(f"the chat did not take it: {error}", flush=True)
            await asyncio.sleep(wait_s)


async def tell_statuses(gateway, client, args):
    known = {}
    async for item in gateway.follow(args.keys):
        if isinstance(item, tilewire.Changed):
            tiles = [item.tile]
        elif isinstance(item, tilewire.Snapshot):
            tiles = list(item.tiles.values())
        elif isinstance(item, tilewire.Interrupted):
            await post(client, args, f"⚪ Tilewire is not heard: {item.reason}")
            continue
        else:
            continue
        for tile in tiles:
            before, status = known.get(tile["key"], "ok"), tile.get("status")
            if status is not None and status != before:
                await post(client, args, f"{SIGNS[status]} {tile['title']}: {status}")
            known[tile["key"]] = status or "ok"


async def tell_events(gateway, client, args):
    async for item in gateway.events(args.types):
        if isinstance(item, tilewire.Event):
            await post(client, args, item.summary or f"{item.event_type} {item.target_id or ''}".strip())
        elif isinstance(item, tilewire.Missed):
            await post(client, args, "⚪ Some events are missing here")


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gateway", default="http://127.0.0.1:8080", help="default: %(default)s")
    parser.add_argument("--keys", default="*", help="of tiles whose status is told (default: all)")
    parser.add_argument("--types", help="of events that are told, such as 'deploy.*' (default: none)")
    parser.add_argument("webhook")
    args = parser.parse_args()
    async with tilewire.Gateway(args.gateway) as gateway, httpx.AsyncClient(timeout=10) as client, asyncio.TaskGroup() as group:
        group.create_task(tell_statuses(gateway, client, args))
        if args.types:
            group.create_task(tell_events(gateway, client, args))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
