# SPDX-License-Identifier: Apache-2.0
"""TCP relays between the programs, so that any connection can be cut off: broken at once, refused for a while, or, as when
packets are dropped, left open with nothing coming through."""
import asyncio
import threading


class Link:
    """One relay: who connects to it reaches `target`, a port on this machine, while it is neither held nor refusing."""

    def __init__(self, name, target):
        self.name, self.target = name, target
        self.port = None
        self.open = None  # asyncio.Event: set while bytes go through
        self.refusing = False
        self.writers = set()

    async def serve(self):
        self.open = asyncio.Event()
        self.open.set()
        server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def accept(self, reader, writer):
        self.writers.add(writer)
        other, pumps = None, []
        try:
            if self.refusing:
                return
            await self.open.wait()
            far_reader, other = await asyncio.open_connection("127.0.0.1", self.target)
            self.writers.add(other)
            pumps = [asyncio.ensure_future(self.pump(reader, other)), asyncio.ensure_future(self.pump(far_reader, writer))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            pass
        finally:
            for pump in pumps:
                pump.cancel()
            for end in (writer, other):
                if end is not None:
                    self.writers.discard(end)
                    end.transport.abort()

    async def pump(self, reader, writer):
        try:
            while part := await reader.read(65536):
                await self.open.wait()
                writer.write(part)
                await writer.drain()
        except OSError:
            pass

    def cut(self):
        for writer in list(self.writers):
            writer.transport.abort()

    def refuse(self):
        self.refusing = True
        self.cut()

    def release(self):
        self.refusing = False
        self.open.set()


class Relays:
    """All links, in a thread of their own. Each method may be called from any thread."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.links = {}

    def add(self, name, target):
        """Returns the port that leads to the target."""
        link = self.links[name] = Link(name, target)
        asyncio.run_coroutine_threadsafe(link.serve(), self.loop).result()
        return link.port

    def matching(self, name):
        """The links whose names begin so: "cache1>" are all that cache1 makes."""
        return [link for key, link in self.links.items() if key.startswith(name)]

    def cut(self, name):
        """Breaks the connections; new ones go through."""
        for link in self.matching(name):
            self.loop.call_soon_threadsafe(link.cut)

    def refuse(self, name):
        """Breaks the connections, and new ones as well."""
        for link in self.matching(name):
            self.loop.call_soon_threadsafe(link.refuse)

    def hold(self, name):
        """Nothing goes through any more, and nobody is told."""
        for link in self.matching(name):
            self.loop.call_soon_threadsafe(link.open.clear)

    def release(self, name=""):
        for link in self.matching(name):
            self.loop.call_soon_threadsafe(link.release)

    def close(self):
        for link in self.links.values():
            self.loop.call_soon_threadsafe(link.cut)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
