#!/usr/bin/python3
"""A shared text over real sockets, with a client of another make that speaks the JSON messages of
PROTOCOL.md section 7: joins, acks in their place, plain clients, carets, a killed server."""

import asyncio
import hashlib
import json
import tempfile
import time
import urllib.error
import urllib.request

from checks import check, report, skip
from server_process import running_server, start_server

try:
    import websockets
except ImportError:
    skip("python3-websockets is not installed")

NEVER_S = 20


def nonce_of(client, seq):
    """What others would draw at random."""
    return hashlib.sha256(f"{client}.{seq}".encode()).hexdigest()[:16]


class Editor:
    """One connection, and what it hears."""

    def __init__(self, socket):
        self.socket = socket

    @classmethod
    async def connect(cls, port, document, query="?client=1"):
        url = f"ws://127.0.0.1:{port}/document/{document}{query}"
        return cls(await websockets.connect(url, compression=None))

    async def say(self, **message):
        await self.socket.send(json.dumps(message))

    async def hears(self):
        return json.loads(await asyncio.wait_for(self.socket.recv(), NEVER_S))

    async def hears_only(self, kind):
        heard = await self.hears()
        check(f"{kind}, not {heard}", heard["type"] == kind)
        return heard

    async def join(self, client, **more):
        await self.say(type="join", client=client, **more)
        return await self.hears()

    async def types(self, client, seq, revision, operations):
        await self.say(type="operation", client=client, seq=seq, nonce=nonce_of(client, seq),
                       revision=revision, operations=operations)

    async def closed_with(self):
        try:
            while True:
                await asyncio.wait_for(self.socket.recv(), NEVER_S)
        except websockets.exceptions.ConnectionClosed as closed:
            return closed.rcvd.code, closed.rcvd.reason


def insert(text, at=0):
    return ([{"type": "retain", "length": at}] if at else []) + [{"type": "insert", "text": text}]


def http(port, method, path):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=NEVER_S) as reply:
            return reply.status, json.loads(reply.read() or b"null")
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def text_of(port, document):
    return http(port, "GET", f"/document/{document}")[1]["text"]


async def two_who_type(port):
    ann = await Editor.connect(port, "notes/shared%20text")
    bob = await Editor.connect(port, "notes/shared%20text")
    first = await ann.join("ann", attempt=1)
    check("an unknown document is empty", (first["type"], first["text"], first["revision"],
                                           first["attempt"]) == ("snapshot", "", 0, 1))
    await bob.join("bob")
    await ann.types("ann", 1, 0, insert("Hello"))
    ack = await ann.hears_only("ack")
    check("the ack has the revision after it", (ack["revision"], ack["seq"]) == (1, 1))
    heard = await bob.hears_only("operation")
    check("the other one hears of it", heard["operations"] == insert("Hello") and
          (heard["revision"], heard["client"]) == (1, "ann"))
    await ann.types("ann", 2, 1, insert(" world", 5))
    await bob.types("bob", 1, 1, insert("!", 5))
    for who in (ann, bob):
        kinds = sorted([(await who.hears())["type"], (await who.hears())["type"]])
        check("one is acknowledged, the other one comes", kinds == ["ack", "operation"])
    status, whole = http(port, "GET", "/document/notes/shared%20text")
    check("GET has the text", status == 200 and whole["revision"] == 3 and
          whole["text"] in ("Hello world!", "Hello! world") and whole["epoch"] == first["epoch"])
    await bob.types("bob", 1, 1, insert("!", 5))
    check("a duplicate gets its first revision",
          (await bob.hears_only("ack"))["revision"] in (2, 3))
    back = await Editor.connect(port, "notes/shared%20text")
    joined = await back.join("ann", revision=1, epoch=ack.get("epoch", first["epoch"]),
                             start=ack["start"], pending={"seq": 2, "nonce": nonce_of("ann", 2)})
    check("who comes back is told what he missed", joined["type"] == "joined")
    missed = [await back.hears(), await back.hears()]
    check("each revision once, in order", [each["revision"] for each in missed] == [2, 3])
    check("his own one is the ack", sorted(each["type"] for each in missed) == ["ack", "operation"])
    for editor in (ann, bob, back):
        await editor.socket.close()


async def plain_ones(port):
    old = await Editor.connect(port, "plain", "")
    check("silence makes a client plain: it gets the text", await old.hears() == {
        "type": "operation", "operations": [], "revision": 0})
    new = await Editor.connect(port, "plain", "")
    await new.say(type="operation", operations=insert("one"), revision=0)
    await new.say(type="operation", operations=insert(" two", 3), revision=0)
    check("the text comes first", (await new.hears_only("operation"))["revision"] == 0)
    check("acks in order", [(await new.hears_only("ack"))["revision"] for _ in range(2)] == [1, 2])
    check("others hear", [(await old.hears_only("operation"))["revision"] for _ in range(2)]
          == [1, 2])
    check("both stand on each other", text_of(port, "plain") == "one two")
    await new.say(type="operation", operations=insert("x"), revision=99)
    check("a plain client is closed with the code",
          await new.closed_with() == (4400, "revision_in_future"))
    joins = await old.join("late", revision=2)
    check("it may still join", joins["type"] == "joined")
    await old.socket.close()


async def bad_input(port):
    editor = await Editor.connect(port, "bad")
    await editor.join("ann")
    faults = [
        ({"type": "operation", "revision": 0, "operations": {}}, "not_an_array"),
        ({"type": "operation", "revision": 0, "operations": [1]}, "bad_component"),
        ({"type": "operation", "revision": 0, "operations": [{"type": "keep"}]}, "unknown_type"),
        ({"type": "operation", "revision": 0, "operations": [{"type": "retain", "length": -1}]},
         "bad_length"),
        ({"type": "operation", "revision": 0, "operations": [{"type": "delete", "length": 9}]},
         "base_length_mismatch"),
        ({"type": "operation", "revision": 7, "operations": []}, "revision_in_future"),
        ({"type": "operation", "revision": 0, "client": "ann", "seq": 5, "nonce": "5",
          "operations": []}, "seq_out_of_order"),
        ({"type": "operation", "operations": []}, "bad_message"),
    ]
    for message, code in faults:
        await editor.say(**message)
        heard = await editor.hears_only("nack")
        check(f"{code}, not {heard}", heard["code"] == code and heard["message"])
    await editor.socket.send('{"type":"operation","revision":0,"operations":'
                             '[{"type":"insert","text":"\\ud800"}]}')
    check("half a pair", (await editor.hears_only("nack"))["code"] == "lone_surrogate")
    await editor.socket.send("no JSON")
    check("no JSON", (await editor.hears_only("nack"))["code"] == "bad_message")
    await editor.say(type="sing")
    await editor.types("ann", 1, 0, insert("\U0001F600"))
    check("the session goes on", (await editor.hears_only("ack"))["revision"] == 1)
    await editor.types("ann", 2, 1, [{"type": "delete", "length": 1}])
    check("a cut pair", (await editor.hears_only("nack"))["code"] == "splits_surrogate_pair")
    await editor.socket.send(b"\x00")
    check("binary is refused", (await editor.closed_with())[0] == 1003)
    check("nothing has changed", text_of(port, "bad") == "\U0001F600")
    for name in ("", "..%2f..%2fx", "a%00b", "x" * 201):
        status, answer = http(port, "GET", f"/document/{name}")
        check(f"{name[:30]}: {status}", status == 400 and answer["error"]["code"])
    check("no POST", http(port, "POST", "/document/x")[0] == 405)


async def carets(port):
    ann = await Editor.connect(port, "carets")
    bob = await Editor.connect(port, "carets")
    await ann.join("ann")
    await ann.types("ann", 1, 0, insert("some words"))
    await ann.hears_only("ack")
    await bob.join("bob")
    await bob.say(type="presence", client="bob", revision=1, selection={"anchor": 5, "head": 10},
                  name="Bob", colour="#00f")
    seen = await ann.hears_only("presence")
    check("a caret is shown", seen == {"type": "presence", "client": "bob", "revision": 1,
                                       "selection": {"anchor": 5, "head": 10}, "name": "Bob",
                                       "colour": "#00f"})
    await ann.types("ann", 2, 1, insert("no "))
    await ann.hears_only("ack")
    cid = await Editor.connect(port, "carets")
    await cid.join("cid")
    moved = await cid.hears_only("presence")
    check("it has moved with the text", moved["selection"] == {"anchor": 8, "head": 13})
    await bob.socket.close()
    check("it goes with its owner", (await ann.hears_only("presence"))["selection"] is None)
    for editor in (ann, cid):
        await editor.socket.close()


async def deleted(port):
    editor = await Editor.connect(port, "gone")
    await editor.join("ann")
    await editor.types("ann", 1, 0, insert("text"))
    await editor.hears_only("ack")
    check("DELETE", http(port, "DELETE", "/document/gone")[0] == 200)
    check("whoever is there hears of it", (await editor.hears_only("nack"))["code"] == "not_found")
    check("and is closed", await editor.closed_with() == (4404, "not_found"))
    check("GET", http(port, "GET", "/document/gone")[0] == 404)
    again = await Editor.connect(port, "gone")
    check("it cannot be joined", await again.closed_with() == (4404, "not_found"))
    anew = await Editor.connect(port, "gone", "?client=1&create=1")
    snapshot = await anew.join("ann", revision=1, epoch="another")
    check("another history", snapshot["type"] == "resync" and snapshot["reason"] == "epoch")
    check("an empty one", (await anew.join("ann"))["text"] == "")
    await anew.types("ann", 1, 0, insert("new"))
    await anew.hears_only("ack")
    check("it is there again", text_of(port, "gone") == "new")
    await anew.socket.close()


async def type_until_killed(port, process):
    """Returns how many were acknowledged when the server was gone."""
    editor = await Editor.connect(port, "kept")
    await editor.join("ann")
    acknowledged = 0
    try:
        for seq in range(1, 10_000):
            await editor.types("ann", seq, seq - 1, insert(f"{seq} "))
            acknowledged = (await editor.hears_only("ack"))["revision"]
            if seq == 300:
                process.kill()
    except websockets.exceptions.ConnectionClosed:
        return acknowledged
    raise AssertionError("the server was not killed")


def survives_a_kill():
    with tempfile.TemporaryDirectory() as folder:
        process, port = start_server(folder)
        acknowledged = asyncio.run(type_until_killed(port, process))
        process.wait()
        process, port = start_server(folder)
        try:
            whole = http(port, "GET", "/document/kept")[1]
            check("what was acknowledged is there", whole["revision"] >= acknowledged >= 300)
            numbers = [int(each) for each in whole["text"].split()]
            check("each once", numbers == list(range(whole["revision"], 0, -1)))
        finally:
            process.kill()
            process.wait()


async def many(port):
    """Ten who type at random, without waiting for each other."""
    editors = [await Editor.connect(port, "many") for _ in range(10)]
    for number, editor in enumerate(editors):
        await editor.join(f"c{number}")

    async def work(number, editor):
        revision = 0
        for seq in range(1, 21):
            await editor.types(f"c{number}", seq, revision, insert(f"<{number}.{seq}>"))
            acked = False
            while not acked:
                heard = await editor.hears()
                revision = heard["revision"]
                acked = heard["type"] == "ack"
    started = time.monotonic()
    await asyncio.gather(*(work(number, editor) for number, editor in enumerate(editors)))
    took = time.monotonic() - started
    text = text_of(port, "many")
    check("every insertion once", all(text.count(f"<{number}.{seq}>") == 1
                                      for number in range(10) for seq in range(1, 21)))
    print(f"10 editors, 200 operations in {took:.2f} s")
    for editor in editors:
        await editor.socket.close()


async def all_on_one_server(port):
    await two_who_type(port)
    await plain_ones(port)
    await bad_input(port)
    await carets(port)
    await deleted(port)
    await many(port)


def main():
    with running_server() as (_, port):
        asyncio.run(all_on_one_server(port))
    survives_a_kill()
    report()


if __name__ == "__main__":
    main()
