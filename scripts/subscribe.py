#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Live tiles and raw events with nothing but ZeroMQ and MessagePack, as a script in any language can have them.

Asks a cache (or an ingestor) for the tiles there are, over a plain REQ socket, then prints each change and each raw
event as one line of JSON, from a plain SUB socket. Needs Debian's python3-zmq and python3-msgpack (or pyzmq and
msgpack from PyPI). docs/protocol.md says what the members of a message mean.
"""
import argparse
import json
import pathlib
import time

import msgpack
import zmq


def show(**members):
    print(json.dumps(members, ensure_ascii=False), flush=True)


def as_json(row):
    """The row with an id that any reader of JSON can hold: a number beyond 2^53 - 1 is a string, as Tilewire's own JSON has it."""
    return {**row, "id": str(row["id"]) if isinstance(row["id"], int) and row["id"] >= 2**53 else row["id"]}


class Keys:
    """With CURVE: our own pair, and the key that the server has to prove. Both sockets need them before they connect."""

    def __init__(self, secret_file, server_key):
        self.secret = pathlib.Path(secret_file).read_bytes().strip() if secret_file else None
        self.server = pathlib.Path(server_key).read_bytes().strip() if server_key and len(server_key) != 40 else (server_key or "").encode()

    def put_on(self, socket):
        if self.secret:
            socket.curve_secretkey = self.secret
            socket.curve_publickey = zmq.curve_public(self.secret)
            socket.curve_serverkey = self.server


def ask(context, address, request, keys):
    """One question: a MessagePack map there, a MessagePack map back."""
    with context.socket(zmq.REQ) as socket:
        socket.linger = 0
        socket.rcvtimeo = 5000
        keys.put_on(socket)
        socket.connect(address)
        socket.send(msgpack.packb(request))
        try:
            reply = msgpack.unpackb(socket.recv())
        except zmq.Again:
            raise SystemExit(f"{address} does not answer" + (", or does not let this key in" if keys.secret else "")) from None
    if "error" in reply:
        raise SystemExit(f"{address}: {reply['error']['message']}")
    return reply


def take(topic, header, body, last, gapless):
    """Prints one message. last: the newest sequence by lane; gapless: every message of a lane is listened to."""
    kind, lane, name = topic.decode().split(".", 2) if topic.count(b".") > 1 else (*topic.decode().split("."), "")
    version, epoch, sequence, _published_us = msgpack.unpackb(header)
    if version != 1:
        raise SystemExit(f"version {version} of the protocol is not known here")
    body = msgpack.unpackb(body)
    # Each tile delta and event takes the next number of its lane; a heartbeat repeats the last one.
    expected = last.get(lane, (epoch, sequence))[1] + (kind != "beat")
    if gapless and lane in last and (last[lane][0] != epoch or sequence > expected):
        show(gap_in_lane=lane, hint="ask for the tiles again")
    last[lane] = (epoch, sequence)
    if kind == "tile":
        show(tile=body["k"], whole=body["b"] is None, patch=body["p"])
    elif kind == "event":
        show(event=name, row=as_json(body["e"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--publish", default="tcp://127.0.0.1:7411", help="where deltas come from (default: %(default)s)")
    parser.add_argument("--query", default="tcp://127.0.0.1:7412", help="whom to ask (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after so long")
    parser.add_argument("--key", metavar="FILE", help="with CURVE: the file of the secret key, as `tilewire keygen` makes it")
    parser.add_argument("--server-key", metavar="KEY", help="with CURVE: the public key of whom to ask, or a file with it")
    parser.add_argument("prefix", nargs="?", default="", help='only tiles and event types that begin so, such as "orders."')
    args = parser.parse_args()
    if bool(args.key) != bool(args.server_key):
        parser.error("--key and --server-key belong together")
    keys = Keys(args.key, args.server_key)

    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.linger = 0
        for lane in range(ask(context, args.query, {"op": "ping"}, keys)["lanes"]):
            socket.subscribe(f"tile.{lane}.{args.prefix}")
            socket.subscribe(f"event.{lane}.{args.prefix}")
        socket.subscribe("beat.")
        keys.put_on(socket)
        socket.connect(args.publish)
        # First listen, then ask: so nothing falls between the two. Heartbeats come every second.
        if not socket.poll(5000):
            raise SystemExit(f"{args.publish} is silent")
        for tile in ask(context, args.query, {"op": "list", "prefix": args.prefix}, keys)["tiles"]:
            value = ask(context, args.query, {"op": "get", "key": tile["k"]}, keys)["tiles"][0]["p"]
            show(tile=tile["k"], whole=True, patch=value)
        last, ends = {}, time.monotonic() + args.seconds
        while time.monotonic() < ends:
            if socket.poll(200):
                take(*socket.recv_multipart(), last, gapless=not args.prefix)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
