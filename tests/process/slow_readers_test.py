#!/usr/bin/python3
"""1,000 clients that read nothing cost the server no memory and the one that reads no time."""

import http.client
import json
import signal
import socket
import struct
import time
from pathlib import Path

from checks import check, report, skip
from load_support import WEBSOCKET_REQUEST, allow_files, anonymous_bytes, end_after
from server_process import running_server

READERS = 1000  # half of them WebSockets, half event streams
READ_ON = 20  # of them begin to read in the end
ITEMS = 20
TEXT = "x" * 16_000
WARM_UP_TURNS = 20  # A store that still grows takes longer for a commit.
PACED_WRITES = 400
PACE_S = 0.005
TURNS = 60  # of all items, after the memory was looked at first
# Less than what is written meanwhile to ONE of them (24 MiB): a server that kept every change, if
# only once for all, would be found, and one that kept it for each would need 24 GiB.
GROWTH_MAX = 16 << 20
# What one finds that reads on: some 100 KiB in the kernel, what was published last before its
# connection was full (256 KiB), and each item as it is now.
EVENTS_MAX = 5 * ITEMS
OTHER_FILES = 200
# The server takes an event stream for gone that has taken nothing for 30 s (a WebSocket: 45 s; see
# `on_time` in net/server/sse_connection.cpp and ws_connection.cpp). All that needs the slow ones
# happens before, on a slow machine with fewer writes.
SILENCE_MAX_S = 30
PACED_UNTIL_S = 12  # after the first write that they did not read
TURNS_UNTIL_S = 18
TIME_MAX_S = 240
# On loopback a segment has 64 KiB, and the kernel would keep 2.5 MiB of each unread connection:
# more for all of them than it allows TCP. With the segments of a real network it is below 100 KiB.
SEGMENT_BYTES = 1400
PING, PONG = 9, 10
HEADS = {
    "/stream": WEBSOCKET_REQUEST,
    "/events": b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


class reader:
    """One that follows the changes, in either form, when it reads."""

    def __init__(self, port, path, is_slow):
        self.is_websocket = path == "/stream"
        self.socket = socket.socket()
        if is_slow:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        self.socket.sendall(HEADS[path])
        self.stream = self.socket.makefile("rb")
        status = self.stream.readline()
        check("accepted", status.split()[1] == (b"101" if self.is_websocket else b"200"))
        while self.stream.readline() != b"\r\n":
            pass
        if not self.is_websocket:
            check("it begins with the time to come again", "retry" in self.next_fields())

    def next_change(self):
        """The item and the number of the change."""
        data = self.next_text() if self.is_websocket else self.next_fields()["data"]
        item = json.loads(data)
        item = item["data"] if self.is_websocket else item
        check("whole", item["text"] == TEXT)
        return item["id"], item["number"]

    def next_text(self):
        while True:
            first, size = self.stream.read(2)
            if size == 126:
                size = struct.unpack(">H", self.stream.read(2))[0]
            payload = self.stream.read(size)
            if first != 0x80 | PING:
                check("a message in one frame", first == 0x81)
                return payload
            self.socket.sendall(bytes([0x80 | PONG, 0x80 | size]) + bytes(4) + payload)

    def next_fields(self):
        fields = {}
        while True:
            line = self.stream.readline().decode()
            check("it goes on", line.endswith("\n"))
            if line == "\n" and fields:
                return fields
            if line != "\n" and not line.startswith(":"):
                name, _, value = line.rstrip("\n").partition(": ")
                fields[name] = value

    def close(self):
        self.stream.close()
        self.socket.close()


class writer:
    """Writes numbered changes, and reads each of them as the honest client."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.honest = reader(port, "/stream", False)
        self.written = 0
        self.last = {}  # the number of each item's last change

    def write(self, count):
        """So many items in one request; gives the seconds until the honest client had them."""
        changes = [(f"s{number % ITEMS}", number)
                   for number in range(self.written, self.written + count)]
        body = json.dumps({"operations": [
            {"operation": "UPDATE" if item in self.last else "CREATE", "id": item,
             "data": {"id": item, "number": number, "text": TEXT}} for item, number in changes]})
        began = time.perf_counter()
        self.connection.request("POST", "/batch-sync", body, {"content-type": "application/json"})
        heard = [self.honest.next_change() for _ in changes]
        took_s = time.perf_counter() - began
        check("each change once and in order", heard == changes)
        reply = self.connection.getresponse()
        results = json.loads(reply.read())["results"]
        check("stored", all(each["status"] == "SYNCED" for each in results))
        self.written += count
        self.last.update(changes)
        return took_s

    def paced(self, until):
        """What the honest client waits for each of many writes that do not follow at once."""
        waited_s = []
        while len(waited_s) < PACED_WRITES and time.monotonic() < until:
            waited_s.append(self.write(1))
            time.sleep(PACE_S)
        return waited_s

    def close(self):
        self.connection.close()
        self.honest.close()


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def bytes_at_rest(process):
    """When all that the last write set off is done."""
    seen = [anonymous_bytes(process)]
    deadline = time.monotonic() + 20
    while len(seen) < 4 or len(set(seen[-4:])) > 1:
        check(f"the memory comes to rest: {seen[-10:]}", time.monotonic() < deadline)
        time.sleep(0.1)
        seen.append(anonymous_bytes(process))
    return seen[-1]


def untaken(port, readers):
    """What the kernel holds for each of them, by its port."""
    ports = {each.port for each in readers}
    held = {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, queues = line.split()[:5]
        peer = int(remote.split(":")[1], 16)
        if int(local.split(":")[1], 16) == port and state == "01" and peer in ports:
            held[peer] = int(queues.split(":")[0], 16)
    return held


def fill(out, port, readers):
    """Until a write of everything changes nothing in anybody's connection."""
    before, now = None, untaken(port, readers)
    for _ in range(50):
        out.write(ITEMS)
        before, now = now, untaken(port, readers)
        if now == before and all(now.values()):
            break
    check("full", now == before and len(now) == READERS and all(now.values()))
    return now


def show(what, waited_s):
    p50_ms, p99_ms = quantile(waited_s, 0.5) * 1000, quantile(waited_s, 0.99) * 1000
    print(f"{what}: p50 {p50_ms:.2f} ms, p99 {p99_ms:.2f} ms of {len(waited_s)} writes")
    return p50_ms, p99_ms


def stays_flat_and_quick(out, process, port, readers, alone):
    began = time.monotonic()
    held = fill(out, port, readers)
    early = bytes_at_rest(process)
    early_written = out.written
    crowded = show("with slow readers", out.paced(began + PACED_UNTIL_S))
    print(f"with / without: p50 {crowded[0] / alone[0]:.2f}, p99 {crowded[1] / alone[1]:.2f}")
    for _ in range(TURNS):
        if time.monotonic() < began + TURNS_UNTIL_S:
            out.write(ITEMS)
    grown = bytes_at_rest(process) - early
    written = (out.written - early_written) * len(TEXT)
    took_s = time.monotonic() - began
    print(f"{early / READERS / 1024:.0f} KiB for each when they were full, then {grown / 1024:.0f} "
          f"KiB in all while {written >> 20} MiB were written for each; {took_s:.1f} s")
    are_held = untaken(port, readers) == held
    if not are_held and took_s > SILENCE_MAX_S:
        skip(f"{took_s:.0f} s on this machine for what has to be done in {SILENCE_MAX_S}")
    check("nobody took anything or was sent away", are_held)
    check(f"{grown} bytes more for {written} written to {READERS}", grown <= GROWTH_MAX)


def finds_the_last_state(one, out):
    """Whoever reads on gets what the kernel had for him, and then how things stand."""
    seen = {}
    events = 0
    while seen != out.last:
        item, number = one.next_change()
        check("it goes on from where it was", number > seen.get(item, -1))
        seen[item] = number
        events += 1
    check(f"nothing was kept for it: {events} of {out.written}", events <= EVENTS_MAX)
    return events


def run(process, port):
    out = writer(port)
    readers = []
    try:
        for _ in range(WARM_UP_TURNS):
            out.write(ITEMS)
        alone = show("without slow readers", out.paced(time.monotonic() + 30))
        for number in range(READERS):
            readers.append(reader(port, ("/stream", "/events")[number % 2], True))
        stays_flat_and_quick(out, process, port, readers, alone)
        began = time.monotonic()
        events = [finds_the_last_state(each, out) for each in readers[:READ_ON]]
        print(f"{READ_ON} that read on had {min(events)} to {max(events)} of {out.written} changes "
              f"each, after {time.monotonic() - began:.1f} s for all")
        process.send_signal(signal.SIGTERM)
        check("it waits for nobody when it ends", process.wait(20) == 0)
    finally:
        for each in (out, *readers):
            each.close()


def main():
    end_after(TIME_MAX_S)
    allow_files(READERS + OTHER_FILES)
    with running_server() as (process, port):
        run(process, port)
    report()


if __name__ == "__main__":
    main()
