#!/usr/bin/python3
"""10,000 idle WebSockets of one server: they stay, hear one write once each, and its end."""

import collections
import http.client
import json
import selectors
import signal
import socket
import struct
import time
from pathlib import Path

from checks import check, report
from load_support import WEBSOCKET_REQUEST, allow_files, anonymous_bytes, end_after
from server_process import running_server

CONNECTIONS = 10_000  # As many as the server takes; who only asks or writes has room beside them.
OTHER_FILES = 500  # of either process; the server keeps 400 of them for its store and others
UNANSWERED_MAX = 256  # handshakes under way: fewer than any backlog that drops one for a second
# net/server/http_server.hpp, live_ping_after and live_silence_max: the server pings whom it has not
# heard for 20 s, and takes him for gone after 45. Held for longer than that, all have been pinged
# at least twice, and nobody is there any more whose pongs did not arrive.
PINGS = 2
HELD_S = 46
TIME_MAX_S = 240
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
GOING_AWAY = 1001


class idle_peer:
    """One connection, which says nothing of its own."""
    __slots__ = ("socket", "unread", "is_open", "pings", "heard", "closed_with", "ended")

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 20)
        self.socket.setblocking(False)
        self.socket.send(WEBSOCKET_REQUEST)
        self.unread = b""
        self.is_open = False
        self.pings = 0
        self.heard = []  # what was created
        self.closed_with = None
        self.ended = False

    def read(self):
        try:
            received = self.socket.recv(65536)
        except ConnectionResetError:
            received = b""
        self.ended = not received
        self.unread += received
        if not self.is_open:
            self.read_head()
        while self.is_open and (frame := self.take_frame()):
            self.on_frame(*frame)

    def read_head(self):
        head, end, rest = self.unread.partition(b"\r\n\r\n")
        if end:
            status = head.split(b"\r\n", 1)[0].decode()
            check(f"the answer is 101, not {status}", status.startswith("HTTP/1.1 101 "))
            self.is_open = True
            self.unread = rest

    def take_frame(self):
        """Of the server's frames, which are whole messages without a mask."""
        if len(self.unread) < 2:
            return None
        size, head = self.unread[1], 2
        if size == 126 and len(self.unread) >= 4:
            size, head = struct.unpack_from(">H", self.unread, 2)[0], 4
        if size > 125 and head == 2 or len(self.unread) < head + size:
            return None
        check("one frame, and no bits that nobody asked for", self.unread[0] & 0xf0 == 0x80)
        frame = self.unread[0] & 0x0f, self.unread[head:head + size]
        self.unread = self.unread[head + size:]
        return frame

    def on_frame(self, kind, payload):
        if kind == PING:
            self.pings += 1
            self.send(PONG, payload)
        elif kind == CLOSE:
            self.closed_with = struct.unpack_from(">H", payload)[0]
            self.send(CLOSE, payload[:2])
        else:
            check("a message", kind == TEXT)
            message = json.loads(payload)
            check("a creation", message["type"] == "item_created")
            self.heard.append(message["data"]["id"])

    def send(self, kind, payload):
        frame = bytes([0x80 | kind, 0x80 | len(payload)]) + bytes(4) + payload  # A mask of zeros.
        try:
            check("a short frame is taken whole", self.socket.send(frame) == len(frame))
        except (BrokenPipeError, ConnectionResetError):
            check("the server closes only after its close", kind == CLOSE)


class crowd:
    """All of them, on this thread."""

    def __init__(self, port):
        self.port = port
        self.selector = selectors.DefaultSelector()
        self.peers = []

    def open(self, count):
        for _ in range(count):
            peer = idle_peer(self.port)
            self.peers.append(peer)
            self.selector.register(peer.socket, selectors.EVENT_READ, peer)
            if len(self.peers) % UNANSWERED_MAX == 0:
                self.wait("handshakes are answered", 60, lambda each: each.is_open)
        self.wait("all handshakes are answered", 60, lambda each: each.is_open)

    def wait(self, what, patience_s, holds):
        """Until it holds of everybody; nobody may be sent away meanwhile."""
        self.run(what, patience_s, holds, lambda each: not each.ended and not each.closed_with)

    def run(self, what, patience_s, holds, may_be):
        deadline = time.monotonic() + patience_s
        lacking = {each for each in self.peers if not holds(each)}
        while lacking:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise AssertionError(f"{what}: not with {len(lacking)} after {patience_s} s")
            for key, _ in self.selector.select(left_s):
                peer = key.data
                peer.read()
                if not may_be(peer):
                    raise AssertionError(f"{what}: sent away: {peer.closed_with}, "
                                         f"after {peer.pings} pings")
                if holds(peer):
                    lacking.discard(peer)
                if peer.ended:
                    self.selector.unregister(peer.socket)
        check(what, True)

    def hold(self, seconds):
        """Whatever happens, so long."""
        until = time.monotonic() + seconds
        while (left_s := until - time.monotonic()) > 0:
            for key, _ in self.selector.select(left_s):
                key.data.read()
                check("nobody is sent away", not key.data.ended and not key.data.closed_with)

    def close(self):
        for each in self.peers:
            each.socket.close()
        self.selector.close()


def open_files(process):
    return sum(1 for _ in Path(f"/proc/{process.pid}/fd").iterdir())


def write(port, item):
    writer = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = {"operations": [{"operation": "CREATE", "id": item, "data": {"id": item}}]}
    writer.request("POST", "/batch-sync", json.dumps(body), {"content-type": "application/json"})
    reply = writer.getresponse()
    text = reply.read().decode()
    check(f"the write is taken, not {reply.status} {text}", reply.status == 200)
    check("and stored", json.loads(text)["results"][0]["status"] == "SYNCED")
    writer.close()


def stay_while_they_are_idle(everybody, process):
    before = anonymous_bytes(process)
    began = time.monotonic()
    everybody.open(CONNECTIONS)
    print(f"{CONNECTIONS} connections in {time.monotonic() - began:.1f} s")
    check("all at once", open_files(process) >= CONNECTIONS)
    grown = anonymous_bytes(process) - before
    print(f"{grown / CONNECTIONS:.0f} bytes of anonymous memory for each")
    everybody.hold(HELD_S)
    everybody.wait("all are pinged again and again", 30, lambda each: each.pings >= PINGS)
    check("still all at once", open_files(process) >= CONNECTIONS)
    pings = [each.pings for each in everybody.peers]
    print(f"{min(pings)} to {max(pings)} pings for each, all answered")


def hear_one_write_once(everybody):
    began = time.monotonic()
    write(everybody.port, "only")
    everybody.wait("all hear it", 60, lambda each: each.heard)
    print(f"a write was with all of them after {(time.monotonic() - began) * 1000:.0f} ms")


def hear_of_the_end(everybody, process):
    process.send_signal(signal.SIGTERM)
    everybody.run("all are let go", 60, lambda each: each.ended, lambda each: True)
    codes = collections.Counter(each.closed_with for each in everybody.peers)
    check(f"1001 for everybody, not {dict(codes)}", codes == {GOING_AWAY: CONNECTIONS})
    # Nothing can come any more.
    heard = collections.Counter(tuple(each.heard) for each in everybody.peers)
    check(f"the one write once, not {dict(heard)}", heard == {("only",): CONNECTIONS})
    check("the server ended in order", process.wait(20) == 0)


def main():
    allow_files(CONNECTIONS + OTHER_FILES)
    end_after(TIME_MAX_S)
    with running_server() as (process, port):
        everybody = crowd(port)
        try:
            stay_while_they_are_idle(everybody, process)
            hear_one_write_once(everybody)
            hear_of_the_end(everybody, process)
        finally:
            everybody.close()
    report()


if __name__ == "__main__":
    main()
