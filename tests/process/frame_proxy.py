"""A line to a server that sends WebSocket frames twice and breaks off, as bad networks and their
middle boxes do."""

import asyncio
import contextlib


async def read_frame(reader):
    """One frame as it came, and its payload's first byte (of unmasked ones; else None)."""
    head = await reader.readexactly(2)
    length = head[1] & 0x7F
    if length >= 126:
        more = await reader.readexactly(2 if length == 126 else 8)
        head += more
        length = int.from_bytes(more, "big")
    masked = head[1] & 0x80
    if masked:
        head += await reader.readexactly(4)
    payload = await reader.readexactly(length)
    return head + payload, None if masked or not payload else payload[0]


class FrameProxy:
    def __init__(self, target, random, doubled=0.05, cut=0.004):
        """`doubled` and `cut` are chances for each message."""
        self.target, self.random, self.doubled, self.cut = target, random, doubled, cut
        self.port = 0
        self.server = None
        self.counts = {"doubled": 0, "cut": 0, "connections": 0}
        self.first_bytes = {}  # of messages of the server
        self.tasks = set()

    async def begin(self):
        self.server = await asyncio.start_server(self.on_connection, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def end(self):
        self.server.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def on_connection(self, near, near_writer):
        self.tasks.add(asyncio.current_task())
        writers = [near_writer]
        try:
            head = await near.readuntil(b"\r\n\r\n")
            far, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
            writers.append(far_writer)
            far_writer.write(head)
            framed = b"upgrade: websocket" in head.lower()
            if framed:
                self.counts["connections"] += 1
                near_writer.write(await far.readuntil(b"\r\n\r\n"))
            carry = self.carry_frames if framed else self.carry
            pair = [asyncio.create_task(carry(near, far_writer)),
                    asyncio.create_task(carry(far, near_writer))]
            await asyncio.wait(pair, return_when=asyncio.FIRST_COMPLETED)
            for each in pair:
                each.cancel()
            await asyncio.gather(*pair, return_exceptions=True)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for writer in writers:
                writer.transport.abort()
            self.tasks.discard(asyncio.current_task())

    @staticmethod
    async def carry(source, sink):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()

    async def carry_frames(self, source, sink):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                frame, first = await read_frame(source)
                is_message = frame[0] in (0x81, 0x82)
                if first is not None and is_message:
                    self.first_bytes[first] = self.first_bytes.get(first, 0) + 1
                if is_message and self.random.random() < self.cut:
                    self.counts["cut"] += 1
                    return
                sink.write(frame)
                if is_message and self.random.random() < self.doubled:
                    self.counts["doubled"] += 1
                    sink.write(frame)
                await sink.drain()
