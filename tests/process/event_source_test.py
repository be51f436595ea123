#!/usr/bin/python3
"""/events and /stream with a browser: what its EventSource hears, also after the server was killed,
and that pages of other origins hear nothing."""

import collections
import contextlib
import http.server
import json
import signal
import sys
import tempfile
import threading
import urllib.request

from checks import check, report
from chromium import running_chromium
from server_process import start_server

TEST_S_MAX = 240
RETRY_MS = 400  # Chromium's own is 3 s.
ROUNDS = 5
CHANGES_PER_ROUND = 40
LISTEN = """window.listen = (name, url, options) => {
    const source = new EventSource(url, options);
    const one = window[name] = {source, heard: [], opened: 0, lostAt: []};
    source.onopen = () => one.opened++;
    source.onerror = () => one.lostAt.push(performance.now());
    for (const kind of ["message", "item-created", "item-updated", "item-deleted"])
        source.addEventListener(kind, event =>
            one.heard.push([kind, JSON.parse(event.data), event.lastEventId]));
}"""


class Server:
    """A server that dies and comes back at the same address."""

    def __init__(self, folder):
        self.folder = folder
        self.process, self.port = self.start(0)
        self.home = self.port

    def start(self, port):
        return start_server(self.folder, port, "--reconnect-ms", str(RETRY_MS), str(RETRY_MS))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def come_back(self):
        self.process, self.port = self.start(self.home)

    @contextlib.contextmanager
    def elsewhere(self):
        """Runs for a block at an address that no browser knows."""
        self.process, self.port = self.start(0)
        yield
        self.kill()

    def url(self, path=""):
        return f"http://127.0.0.1:{self.port}{path}"

    def write(self, *operations, query=""):
        request = urllib.request.Request(
            self.url("/batch-sync" + query), data=json.dumps({"operations": operations}).encode(),
            headers={"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            results = json.load(reply)["results"]
        check("written", all(each["status"] == "SYNCED" for each in results))
        return results

    def create(self, *items, query=""):
        return self.write(*(operation("CREATE", each) for each in items), query=query)

    def delta(self):
        """All items, and the cursor after them."""
        items, cursor, has_more = {}, "0", True
        while has_more:
            with urllib.request.urlopen(self.url("/delta?cursor=" + cursor), timeout=30) as reply:
                page = json.load(reply)
            items |= {each["id"]: each for each in page["created"] + page["updated"]}
            cursor, has_more = page["nextCursor"], page["hasMore"]
        return items, cursor


class Listener:
    """An EventSource of a page."""

    def __init__(self, page, name, url="/events", options=None):
        self.page = page
        self.name = name
        page.evaluate(f"listen({json.dumps(name)}, {json.dumps(url)}, {json.dumps(options or {})})")

    def is_open(self):
        return self.page.wait_until(f"{self.name}.opened", 60)

    def get(self, what):
        return self.page.evaluate(f"{self.name}.{what}")

    def heard_until(self, item):
        """All it has heard by the time that it hears of this item: kind, data, lastEventId."""
        condition = f"{self.name}.heard.some(each => each[1].id === {json.dumps(item)})"
        self.page.wait_until(condition, 60)
        return self.get("heard")

    def close(self):
        self.page.evaluate(f"{self.name}.source.close()")


def operation(kind, item, **data):
    one = {"operation": kind, "id": item}
    return one if kind == "DELETE" else {**one, "data": {"id": item, **data}}


def kinds(heard):
    return [(kind, data["id"]) for kind, data, _ in heard]


def hears_changes(server, page):
    one, other = Listener(page, "one"), Listener(page, "other", "/events?collection=other")
    one.is_open(), other.is_open()
    text = "two\nlines, \u00e4 \U0001f600"
    for write in (operation("CREATE", "a", text=text), operation("UPDATE", "a", n=2),
                  operation("DELETE", "a")):
        server.write(write)
    server.create("b")
    heard = one.heard_until("b")
    check("each change, in order", kinds(heard) == [
        ("item-created", "a"), ("item-updated", "a"), ("item-deleted", "a"), ("item-created", "b")])
    data = [each[1] for each in heard]
    check("created, whole", data[0] == {"id": "a", "text": text, "version": 1,
                                        "lastModified": data[0]["lastModified"]})
    check("updated, whole", data[1] == {"id": "a", "text": text, "n": 2, "version": 2,
                                        "lastModified": data[1]["lastModified"]})
    check("later", data[1]["lastModified"] > data[0]["lastModified"])
    check("deleted", data[2] == {"id": "a"})
    check("each has its own id", len({each[2] for each in heard}) == 4 and all(h[2] for h in heard))
    server.create("else", query="?collection=other")
    check("its own collection", kinds(other.heard_until("else")) == [("item-created", "else")])
    server.create("c"), server.create("d")
    heard = one.heard_until("d")
    check("no other collection", kinds(heard)[4:] == [("item-created", "c"), ("item-created", "d")])
    late = Listener(page, "late", "/events?cursor=" + heard[3][2])
    again = late.heard_until("d")
    check("lastEventId is a cursor", [each[:2] for each in again] == [h[:2] for h in heard[4:]])
    check("and ends at the same", again[-1][2] == heard[-1][2])
    for each in (one, other, late):
        each.close()
    check("the console is silent", page.errors() == [])


def writes_over_a_websocket(server, page):
    one = Listener(page, "one")
    one.is_open()
    page.evaluate("""new Promise((done, failed) => {
        window.said = [];
        window.socket = new WebSocket(`ws://${location.host}/stream`);
        socket.onopen = done;
        socket.onerror = failed;
        socket.onmessage = event => said.push(JSON.parse(event.data));
    })""")
    send = "socket.send(JSON.stringify({type: 'item_created', data: {id: 'typed', n: %d}}))"
    page.evaluate(send % 7)
    answer = page.wait_until("said[0]")
    check("acknowledged", answer["type"] == "ack" and answer["data"]["id"] == "typed"
          and answer["data"]["version"] == 1)
    kind, data, _ = one.heard_until("typed")[-1]
    check("and heard", kind == "item-created" and data["n"] == 7)
    page.evaluate(send % 8)
    answer = page.wait_until("said[1]")
    check("refused", answer["type"] == "error" and answer["data"]["code"] == "conflict")
    server.create("by another")
    answer = page.wait_until("said[2]")
    check("told of others", answer["type"] == "item_created"
          and answer["data"]["id"] == "by another")
    check("each once", kinds(one.heard_until("by another"))
          == [("item-created", "typed"), ("item-created", "by another")])
    page.evaluate("socket.close()")
    one.close()
    check("the console is silent", page.errors() == [])


def comes_again_when_it_was_asked_to(server, page, quiet):
    """`quiet` has heard nothing yet: it goes on from the cursor that it was given at first."""
    server.kill()
    lost_at = page.wait_until("quiet.lostAt.length > 4 && quiet.lostAt", 60)
    pauses = [later - sooner for sooner, later in zip(lost_at, lost_at[1:])]
    check("never sooner", min(pauses) > RETRY_MS * 0.95)
    check("and not as Chromium would", min(pauses) < 2500)
    with server.elsewhere():
        server.create("missed", "missed too", query="?collection=quiet")
        server.create("of no interest")
    server.come_back()
    server.create("afterwards", query="?collection=quiet")
    heard = kinds(quiet.heard_until("afterwards"))
    check("what was missed", heard == [("item-created", "missed"), ("item-created", "missed too"),
                                       ("item-created", "afterwards")])
    quiet.close()


def one_round(server, number, known):
    """40 changes, before, while and after the server is away; each as it has to be heard. An item
    changes once in it, as a listener that was away is told of its last state only."""
    names = iter(f"r{number}-{i}" for i in range(CHANGES_PER_ROUND))
    expected = []

    def change(kind, item):
        expected.append((f"item-{kind.lower()}d", item))
        return operation(kind, item, round=number)

    for _ in range(8):
        server.write(change("CREATE", next(names)))
    changed = known[:12]
    server.kill()  # Who listens may not have heard of the last ones.
    with server.elsewhere():
        for item in changed[:3]:
            server.write(change("UPDATE", item))
        server.write(*(change("UPDATE", item) for item in changed[3:6]),
                     *(change("DELETE", item) for item in changed[6:9]))
        for item in changed[9:]:
            server.write(change("DELETE", item))
        server.write(*(change("CREATE", next(names)) for _ in range(10)))
        while len(expected) < CHANGES_PER_ROUND - 5:
            server.write(change("CREATE", next(names)))
    server.come_back()  # And it is not known whether who listens is back for the first of these.
    while len(expected) < CHANGES_PER_ROUND:
        server.write(change("CREATE", next(names)))
    return expected


def misses_and_doubles_nothing(server, page):
    _, cursor = server.delta()
    # Its address has a cursor, which has to yield to the Last-Event-ID when it comes again.
    listeners = [Listener(page, "plain"), Listener(page, "given", "/events?cursor=" + cursor)]
    for each in listeners:
        each.is_open()
    expected, known = [], []
    for number in range(ROUNDS):
        expected += one_round(server, number, known)
        last = expected[-1][1]
        for each in listeners:
            heard = each.heard_until(last)
            counted, wanted = collections.Counter(kinds(heard)), collections.Counter(expected)
            check(f"missed: {wanted - counted}", not wanted - counted)
            check(f"doubled: {counted - wanted}", not counted - wanted)
        known = [item for kind, item in expected[-CHANGES_PER_ROUND:] if kind == "item-created"]
    check("as many as there were", len(expected) == ROUNDS * CHANGES_PER_ROUND == len(heard))
    items, _ = server.delta()
    for each in listeners:
        check("came again each time", each.get("opened") == ROUNDS + 1)
        held = {}
        for kind, data, _ in each.get("heard"):
            held[data["id"]] = None if kind == "item-deleted" else data
        check("holds what the server holds",
              all(items.get(item) == data for item, data in held.items()))
        each.close()


@contextlib.contextmanager
def another_origin():
    """Serves an empty page."""
    class Empty(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def pages_of_other_origins_hear_nothing(server, browser, page):
    with another_origin() as url:
        foreign = browser.page()
        foreign.open(url)
        foreign.evaluate(LISTEN)
        check("its console is silent", foreign.errors() == [])
        listeners = [Listener(foreign, "bare", server.url("/events")),
                     Listener(foreign, "trusted", server.url("/events"), {"withCredentials": True})]
        for each in listeners:
            foreign.wait_until(f"{each.name}.source.readyState === EventSource.CLOSED")
        outcome = foreign.evaluate(f"""new Promise((done, failed) => {{
            const socket = new WebSocket("ws://127.0.0.1:{server.port}/stream");
            socket.onopen = () => failed(new Error("it was let in"));
            socket.onclose = event => done(event.code);
        }})""")
        check("no WebSocket", outcome == 1006)
        errors = foreign.errors()
        check(f"because of its origin: {errors}",
              any("/events" in each and "CORS" in each for each in errors)
              and any("/stream" in each and "403" in each for each in errors))
        own = Listener(page, "own")
        own.is_open()
        server.create("secret")
        own.heard_until("secret")
        for each in listeners:
            check("one error, and that was it", each.get("opened") == 0
                  and len(each.get("lostAt")) == 1 and each.get("heard") == []
                  and each.get("source.readyState") == 2)
        foreign.close()


def run(server, browser):
    page = browser.page()
    page.open(server.url("/healthz"))  # Any page of this origin will do.
    page.evaluate(LISTEN)
    quiet = Listener(page, "quiet", "/events?collection=quiet")
    quiet.is_open()
    hears_changes(server, page)
    writes_over_a_websocket(server, page)
    pages_of_other_origins_hear_nothing(server, browser, page)
    comes_again_when_it_was_asked_to(server, page, quiet)
    misses_and_doubles_nothing(server, page)


def main():
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"took more than {TEST_S_MAX} s"))
    signal.alarm(TEST_S_MAX)
    with tempfile.TemporaryDirectory() as folder, running_chromium() as browser:
        server = Server(folder + "/store")
        try:
            run(server, browser)
        finally:
            server.kill()
    report()


if __name__ == "__main__":
    main()
