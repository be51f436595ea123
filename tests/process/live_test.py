#!/usr/bin/python3
"""/stream and /events with clients of another make: what they hear, say and are refused."""

import asyncio
import http.client
import json
import signal
import socket
import urllib.request

from checks import check, report, skip
from server_process import running_server

try:
    import websockets
except ImportError:
    skip("python3-websockets is not installed")


class plain_client:
    """The HTTP side of the plain API."""

    def __init__(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def batch(self, *operations):
        request = urllib.request.Request(
            self.url + "/batch-sync", data=json.dumps({"operations": operations}).encode(),
            headers={"content-type": "application/json"})
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)["results"]

    def create(self, item, **fields):
        return self.batch({"operation": "CREATE", "id": item, "data": {"id": item, **fields}})

    def cursor(self):
        with urllib.request.urlopen(self.url + "/delta") as reply:
            return json.load(reply)["nextCursor"]

    def events(self, query="", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", "/events" + query, headers=headers)
        return connection.getresponse()

    def stream(self, query="", **how):
        return websockets.connect(f"ws://127.0.0.1:{self.port}/stream{query}", **how)


async def next_message(connection):
    return json.loads(await asyncio.wait_for(connection.recv(), 20))


async def says_nothing(connection):
    """Until the answer to a ping: what was sent before it would have come before it."""
    await asyncio.wait_for(await connection.ping(), 20)
    return not connection.messages


def next_event(stream):
    event = {}
    while True:
        line = stream.readline().decode().rstrip("\n")
        if not line and event:
            return event
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value


def status_of(client, query="", **headers):
    reply = client.events(query, **headers)
    return reply.status, json.loads(reply.read())["error"]["code"]


async def hears_and_says(client):
    async with client.stream() as one, client.stream() as two, \
            client.stream("?collection=other") as other:
        await says_nothing(one), await says_nothing(two)
        client.create("a", v=1)
        for each in (one, two):
            message = await next_message(each)
            check("created", message["type"] == "item_created" and message["data"]["v"] == 1)
            check("a cursor", message["cursor"])
        await one.send('{"type":"item_updated","data":{"id":"a","v":2,"version":1}}')
        answer = await next_message(one)
        check("acknowledged", answer["type"] == "ack" and answer["data"]["version"] == 2)
        message = await next_message(two)
        check("updated", message["type"] == "item_updated" and message["data"]["v"] == 2)
        check("not told of its own change", await says_nothing(one))
        await two.send('{"type":"item_updated","data":{"id":"a","v":3,"version":1}}')
        answer = await next_message(two)
        check("too late", answer["type"] == "error" and answer["data"]["code"] == "conflict")
        await two.send('{"type":"item_deleted","data":{"id":"a"}}')
        check("deleted it", (await next_message(two))["type"] == "ack")
        message = await next_message(one)
        check("deleted", message["type"] == "item_deleted" and message["data"] == {"id": "a"})
        for bad in ("not json", "[]", '{"type":"item_created"}',
                    '{"type":"other","data":{"id":1}}'):
            await two.send(bad)
            answer = await next_message(two)
            check("answered: " + bad, answer["type"] == "error" and answer["data"]["code"])
        client.create("b")
        check("goes on", (await next_message(two))["data"]["id"] == "b")
        check("goes on", (await next_message(one))["data"]["id"] == "b")
        check("another collection hears nothing", await says_nothing(other))
        await one.send(b"\x00binary")
        try:
            await asyncio.wait_for(one.recv(), 20)
            check("binary is refused", False)
        except websockets.exceptions.ConnectionClosed as closed:
            check("binary is refused", closed.rcvd.code == 1003)


async def many_writes_are_answered_in_their_order(client):
    async with client.stream() as writer, client.stream() as other:
        await says_nothing(other)
        for i in range(300):
            good = json.dumps({"type": "item_created", "data": {"id": f"m{i}", "n": i}})
            await writer.send("bad" if i % 50 == 7 else good)
        for i in range(300):
            answer = await next_message(writer)
            check("in its place", answer["type"] == ("error" if i % 50 == 7 else "ack"))
            check("its own", i % 50 == 7 or answer["data"]["id"] == f"m{i}")
        for i in range(300):
            if i % 50 != 7:
                check("told to others", (await next_message(other))["data"]["id"] == f"m{i}")
        await writer.send('{"type":"item_deleted","data":{"id":"never there"}}')
        check("nothing to delete", (await next_message(writer))["type"] == "ack")
        check("no echo", await says_nothing(writer))


def a_plain_write_on_the_right_version_was_always_a_conflict(client):
    client.create("versioned", v=1)
    write = {"operation": "UPDATE", "id": "versioned", "version": 1, "data": {"v": 2}}
    check("the right version", client.batch(write)[0]["status"] == "SYNCED")
    check("is the wrong one then", client.batch(write)[0]["status"] == "CONFLICT")
    delete = {"operation": "DELETE", "id": "versioned", "version": 2}
    check("and so with a deletion", client.batch(delete)[0]["status"] == "SYNCED")


async def resumes(client):
    cursor = client.cursor()
    client.batch(*({"operation": "CREATE", "id": f"r{i}", "data": {"id": f"r{i}"}}
                   for i in range(700)))
    async with client.stream("?cursor=" + cursor) as late:
        heard = [(await next_message(late))["data"]["id"] for _ in range(700)]
        check("all in their order", heard == [f"r{i}" for i in range(700)])
        client.create("after")
        check("and then what comes", (await next_message(late))["data"]["id"] == "after")
    for bad, code in (("nonsense", 400), (client.cursor()[:-3] + "abc", 400)):
        try:
            async with client.stream("?cursor=" + bad):
                check("a bad cursor is refused", False)
        except websockets.exceptions.InvalidStatusCode as refused:
            check("a bad cursor is refused", refused.status_code == code)


def streams_events(client):
    stream = client.events()
    check("an event stream", stream.getheader("content-type") == "text/event-stream")
    first = next_event(stream)
    check("a time to come again, and where", int(first["retry"]) > 0 and first["id"])
    client.create("e1", text="two\nlines")
    event = next_event(stream)
    check("created", event["event"] == "item-created")
    check("whole", json.loads(event["data"])["text"] == "two\nlines")
    stream.close()
    client.create("e2")
    client.batch({"operation": "DELETE", "id": "e1"})
    again = client.events(**{"Last-Event-ID": event["id"]})
    next_event(again)
    seen = [next_event(again) for _ in range(2)]
    check("what was missed", {(each["event"], json.loads(each["data"])["id"]) for each in seen}
          == {("item-deleted", "e1"), ("item-created", "e2")})
    again.close()
    check("a bad cursor", status_of(client, "?cursor=zz") == (400, "bad_cursor"))
    check("a foreign page", status_of(client, Origin="http://evil.example")
          == (403, "foreign_origin"))
    reply = http.client.HTTPConnection("127.0.0.1", client.port, timeout=20)
    reply.request("GET", "/stream")
    check("a page is no WebSocket", reply.getresponse().status == 426)


async def a_slow_reader_costs_nothing(client):
    """It reads nothing while 16 MB are written, and then finds every item at its last state."""
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(("127.0.0.1", client.port))
    slow.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    stream = slow.makefile("rb")
    while stream.readline() != b"\r\n":
        pass
    next_event(stream)
    async with client.stream() as honest:
        await says_nothing(honest)
        text = "x" * 16000
        for turn in range(50):
            client.batch(*({"operation": "UPDATE" if turn else "CREATE", "id": f"s{i}",
                            "data": {"id": f"s{i}", "turn": turn, "text": text}}
                           for i in range(20)))
            for _ in range(20):
                message = await next_message(honest)
                check("each change", message["data"]["turn"] == turn)
        last = {}
        events = 0
        while len(last) < 20 or any(turn != 49 for turn in last.values()):
            event = next_event(stream)
            events += 1
            last[json.loads(event["data"])["id"]] = json.loads(event["data"])["turn"]
        check("nothing was kept for it", events < 600)
    slow.close()


async def hears_of_the_end(client, process):
    async with client.stream() as one:
        await says_nothing(one)
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(one.recv(), 20)
        except websockets.exceptions.ConnectionClosed as closed:
            check("1001", closed.rcvd.code == 1001)
    check("the server ended in order", process.wait(20) == 0)


async def run(process, port):
    client = plain_client(port)
    await hears_and_says(client)
    await many_writes_are_answered_in_their_order(client)
    a_plain_write_on_the_right_version_was_always_a_conflict(client)
    await resumes(client)
    streams_events(client)
    await a_slow_reader_costs_nothing(client)
    await hears_of_the_end(client, process)


def main():
    with running_server() as (process, port):
        asyncio.run(asyncio.wait_for(run(process, port), 120))
    report()


if __name__ == "__main__":
    main()
