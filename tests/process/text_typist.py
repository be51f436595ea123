"""Two who type into a shared text with clients of another make, written from PROTOCOL.md section 7
alone: one that joins and names his operations, and a plain one. Each has one operation on its way.

Texts are strings of UTF-16 units here, so that their lengths are those of the protocol."""

import asyncio
import contextlib
import itertools
import json

import websockets
from websockets.exceptions import ConnectionClosed, WebSocketException


def units_of(text):
    raw = text.encode("utf-16-le")
    return "".join(chr(raw[i] | raw[i + 1] << 8) for i in range(0, len(raw), 2))


def text_of_units(units):
    return b"".join(ord(unit).to_bytes(2, "little") for unit in units).decode("utf-16-le")


def parts_of(operations):
    """(what, a string or a length) of each component."""
    return [(each["type"], units_of(each["text"]) if each["type"] == "insert" else each["length"])
            for each in operations]


def wire_of(parts):
    return [{"type": what, "text": text_of_units(value)} if what == "insert"
            else {"type": what, "length": value} for what, value in parts if value]


def apply(text, parts):
    out, at = [], 0
    for what, value in parts:
        if what == "insert":
            out.append(value)
            continue
        if what == "retain":
            out.append(text[at:at + value])
        at += value
    return "".join(out) + text[at:]


def transform(mine, theirs):
    """Both for the text after the other one. Where both insert at one place, mine is first."""
    mine_after, theirs_after = [], []
    left, right = list(mine), list(theirs)
    while left or right:
        if left and left[0][0] == "insert":
            mine_after.append(left[0])
            theirs_after.append(("retain", len(left.pop(0)[1])))
            continue
        if right and right[0][0] == "insert":
            theirs_after.append(right[0])
            mine_after.append(("retain", len(right.pop(0)[1])))
            continue
        if not left or not right:  # What an operation does not reach is kept.
            rest, sink = (left, mine_after) if left else (right, theirs_after)
            sink.append(rest.pop(0))
            continue
        length = min(left[0][1], right[0][1])
        kinds = left[0][0], right[0][0]
        if kinds[1] == "retain":
            mine_after.append((kinds[0], length))
        if kinds[0] == "retain":
            theirs_after.append((kinds[1], length))
        for rest in (left, right):
            what, value = rest.pop(0)
            if value > length:
                rest.insert(0, (what, value - length))
    return mine_after, theirs_after


class Typist:
    """What he inserts are characters that nobody else does, each once; he removes only his own.
    `own` says of each whether it is `there`, `gone`, or `unknown`: sent, and never acknowledged."""

    joins = True

    def __init__(self, url, name, first_code, random):
        self.url, self.name, self.random = url, name, random
        self.codes = itertools.count(first_code)
        self.own = {}
        self.text = ""
        self.revision = None
        self.epoch = self.start = None
        self.seq = 0
        self.pending = None  # what is on its way, for the text as it is known from the server
        self.nonce = None
        self.planned = {}  # what becomes of his characters once it is acknowledged
        self.socket = None
        self.changed = asyncio.Condition()
        self.task = None
        self.faults = []
        self.carets = {}

    def begin(self):
        self.task = asyncio.create_task(self.run())

    async def end(self):
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        if self.socket:
            await self.socket.close()

    async def run(self):
        while True:
            with contextlib.suppress(OSError, WebSocketException, asyncio.TimeoutError, EOFError):
                query = "?client=1" if self.joins else ""
                async with websockets.connect(self.url + query, compression=None,
                                              max_size=None) as socket:
                    await self.arrive(socket)
                    self.socket = socket
                    async for message in socket:
                        await self.hear(json.loads(message))
            self.socket = None
            await self.leave()
            await asyncio.sleep(0.05)  # A server that is being started again refuses.

    async def arrive(self, socket):
        join = {"type": "join", "client": self.name}
        if self.revision is not None:
            join.update(revision=self.revision, epoch=self.epoch, start=self.start)
        if self.pending:
            join["pending"] = {"seq": self.seq, "nonce": self.nonce}
        await socket.send(json.dumps(join))

    async def leave(self):
        pass  # What is on its way is named by the next join.

    async def hear(self, message):
        async with self.changed:
            {"snapshot": self.on_snapshot, "joined": self.on_joined, "ack": self.on_ack,
             "operation": self.on_operation, "resync": self.on_resync, "nack": self.on_nack,
             "presence": self.on_presence}[message["type"]](message)
            self.changed.notify_all()
        if message["type"] == "joined" and self.pending:
            await self.send_pending()
        if message["type"] == "resync":
            await self.arrive(self.socket)

    def on_snapshot(self, message):
        if self.pending and message.get("pending") == "in":
            self.own.update(self.planned)
        elif self.pending:
            self.own.update(dict.fromkeys(self.planned, "unknown"))
        self.pending = None
        self.seq = message["seq"]
        self.text = units_of(message["text"])
        self.revision, self.epoch = message["revision"], message["epoch"]
        self.start = message["start"]

    def on_joined(self, message):
        self.epoch, self.start = message["epoch"], message["start"]

    def on_resync(self, _message):
        self.revision = None

    def on_nack(self, message):
        self.faults.append(message)

    def on_presence(self, message):
        self.carets[message["client"]] = message["selection"]

    def is_next(self, message):
        if message["revision"] <= self.revision:
            return False
        if message["revision"] != self.revision + 1:
            self.faults.append({"gap after": self.revision, "message": message})
        self.revision = message["revision"]
        self.start = message.get("start", self.start)
        return True

    def on_ack(self, message):
        if self.is_next(message):
            self.commit()

    def commit(self):
        self.text = apply(self.text, self.pending)
        self.own.update(self.planned)
        self.pending = None

    def on_operation(self, message):
        if not self.is_next(message):
            return
        if self.pending and message.get("nonce") == self.nonce:
            return self.commit()  # Its ack went to another connection.
        theirs = parts_of(message["operations"])
        self.text = apply(self.text, theirs)
        if self.pending:
            self.pending = transform(self.pending, theirs)[0]

    async def send_pending(self):
        """As it stands now, which is what the server would make of the one that it got before."""
        with contextlib.suppress(ConnectionClosed, AttributeError):
            await self.socket.send(json.dumps(
                {"type": "operation", "revision": self.revision, "client": self.name,
                 "seq": self.seq, "nonce": self.nonce, "operations": wire_of(self.pending)}))

    async def until(self, holds):
        async def waits():
            async with self.changed:
                await self.changed.wait_for(holds)

        waiting = asyncio.create_task(waits())
        await asyncio.wait({waiting, self.task}, return_when=asyncio.FIRST_COMPLETED)
        if self.task.done():
            waiting.cancel()
            self.task.result()
        await waiting

    async def is_idle(self):
        await self.until(lambda: not self.pending and self.revision is not None)

    async def types(self, count):
        for _ in range(count):
            await asyncio.sleep(self.random.uniform(0, 0.008))
            await self.is_idle()
            self.act()
            self.seq += 1
            self.nonce = f"{self.random.getrandbits(64):016x}"
            await self.send_pending()

    def act(self):
        there = [code for code, state in self.own.items() if state == "there"]
        if there and self.random.random() < 0.3:
            code = self.random.choice(there)
            at = self.text.index(units_of(chr(code)))
            self.pending = [("retain", at), ("delete", 2)]
            self.planned = {code: "gone"}
            return
        codes = list(itertools.islice(self.codes, self.random.randint(1, 3)))
        at = self.random.randint(0, len(self.text))
        if at < len(self.text) and 0xDC00 <= ord(self.text[at]) < 0xE000:
            at += 1  # not between the halves of a character
        self.pending = [("retain", at), ("insert", units_of("".join(map(chr, codes))))]
        self.planned = dict.fromkeys(codes, "there")
        self.own.update(dict.fromkeys(codes, "unknown"))

    async def drop(self):
        if self.socket:
            self.socket.transport.abort()

    async def reads(self, text):
        """Waits until he has it before him."""
        await self.until(lambda: not self.pending and self.text == units_of(text))


class PlainTypist(Typist):
    """Knows `operation` and `ack`, and nothing of names: what was on its way when his connection
    ended may have arrived or not."""

    joins = False

    async def arrive(self, socket):
        self.revision = None

    async def leave(self):
        async with self.changed:
            self.own.update(dict.fromkeys(self.planned if self.pending else {}, "unknown"))
            self.pending = None
            self.revision = None
            self.changed.notify_all()

    def on_operation(self, message):
        if self.revision is None:  # the text
            self.text = apply("", parts_of(message["operations"]))
            self.revision = message["revision"]
        else:
            super().on_operation({key: message[key] for key in ("revision", "operations")})

    async def send_pending(self):
        with contextlib.suppress(ConnectionClosed, AttributeError):
            await self.socket.send(json.dumps({"type": "operation", "revision": self.revision,
                                               "operations": wire_of(self.pending)}))
