# SPDX-License-Identifier: Apache-2.0
"""A narrow way in small: a proxy over which so many bytes a second pass in each direction, of all connections together. It needs
no root."""
import asyncio
import socket
import threading
import time

CHUNK = 512


class Direction:
    """When the next bytes may pass: each takes its time after those before."""

    def __init__(self, bytes_per_second):
        self.rate, self.free_at = bytes_per_second, 0.0

    async def take(self, count):
        now = time.monotonic()
        self.free_at = max(self.free_at, now) + count / self.rate
        await asyncio.sleep(self.free_at - now)


class NarrowWay:
    """Ways to the given addresses (tcp://HOST:PORT), which share a rate; `through` says where each begins."""

    def __init__(self, addresses, bytes_per_second):
        self.loop = asyncio.new_event_loop()
        self.there, self.back = Direction(bytes_per_second), Direction(bytes_per_second)
        self.passed = 0  # bytes that came back
        self.listeners, self.through, self.tasks = [], {}, set()
        for address in addresses:
            listener = self.narrow(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            self.listeners.append(listener)
            self.through[address] = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
            self.loop.create_task(self.accept(listener, address))
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    @staticmethod
    def narrow(end):
        """Most of what waits is to wait at the sender, and not unseen in the buffers of this proxy. Smaller ones than this lose
        segments of the loopback, which are large."""
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        end.setblocking(False)
        return end

    async def accept(self, listener, address):
        host, port = address.removeprefix("tcp://").rsplit(":", 1)
        while True:
            near, _ = await self.loop.sock_accept(listener)
            far = self.narrow(socket.socket())
            task = self.loop.create_task(self.forward(self.narrow(near), far, (host, int(port))))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def forward(self, near, far, address):
        ways = []
        try:
            await self.loop.sock_connect(far, address)
            ways = [self.loop.create_task(self.pump(*way)) for way in ((near, far, self.there), (far, near, self.back))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            pass
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            near.close()
            far.close()

    async def pump(self, source, target, direction):
        while data := await self.loop.sock_recv(source, CHUNK):
            await direction.take(len(data))
            await self.loop.sock_sendall(target, data)
            self.passed += len(data) if direction is self.back else 0

    async def end(self):
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def close(self):
        asyncio.run_coroutine_threadsafe(self.end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
        for listener in self.listeners:
            listener.close()
