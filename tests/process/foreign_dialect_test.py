#!/usr/bin/python3
"""Devices that sync through a server of another make, by the plain JSON routes alone."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from checks import check, report
from server_process import BUILD, ROOT

PROGRAM = BUILD / "bin" / "syncline"
LIMIT_S = 60


class Foreign:
    """The server, and what only a test asks of it."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "tests/support/foreign_server.py", *options],
            stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[-1]

    def ask(self, path, body=None):
        request = urllib.request.Request(
            f"{self.url}/control/{path}", None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            return json.load(answer)

    def put(self, data, item=None):
        return self.ask("put?collection=notes", {"id": item, "data": data})["item"]["id"]

    def delete(self, item):
        self.ask("delete?collection=notes", {"id": item})

    def items(self):
        return self.ask("items?collection=notes")["items"]

    def fail(self, count, how, path=None):
        self.ask("fail", {"next": count, "how": how, "path": path})

    def batches(self):
        return [one for one in self.ask("requests")["requests"] if one["path"] == "/batch-sync"]

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(LIMIT_S)


class Device:
    def __init__(self, folder, name, server, dialect="json", *flags):
        self.store = f"{folder}/{name}"
        self.sync_flags = ["--server", server.url, "--dialect", dialect, "--collection", "notes",
                           *flags]

    def run(self, *arguments, code=0):
        done = subprocess.run([PROGRAM, *arguments, "--store", self.store], text=True,
                              capture_output=True, timeout=LIMIT_S, check=False,
                              env={k: v for k, v in os.environ.items()
                                   if not k.startswith("SYNCLINE_")})
        check(f"{arguments} ends with {code}, not {done.returncode}: {done.stdout}{done.stderr}",
              done.returncode == code)
        return done.stdout

    def put(self, item, data, *flags):
        self.run("put", "notes", item, json.dumps(data), *flags)

    def remove(self, item):
        self.run("rm", "notes", item)

    def sync(self, code=0):
        attempts = ["--attempts", "1"] if code else []
        return json.loads(self.run("sync", *self.sync_flags, *attempts, "--json", code=code))

    def items(self):
        lines = self.run("ls", "notes", "--json").splitlines()
        return {one["id"]: one["body"] for one in map(json.loads, lines)}

    def status(self):
        return json.loads(self.run("status", "--json"))


def contents(bodies):
    """What is there, whatever each side calls it."""
    return sorted(json.dumps(body, sort_keys=True) for body in bodies)


def theirs(server):
    own = ("id", "version", "lastModified")
    return contents({k: v for k, v in one.items() if k not in own} for one in server.items())


def same(what, server, *devices):
    for device in devices:
        check(f"{what}: {contents(device.items().values())} is {theirs(server)}",
              contents(device.items().values()) == theirs(server))
        status = device.status()
        check(f"{what}: nothing waits: {status}",
              status["waiting"] == status["acknowledged"] == status["quarantined"] == 0)


@contextlib.contextmanager
def scene(*options, dialect="json", devices=2):
    with tempfile.TemporaryDirectory() as folder:
        server = Foreign(*options)
        try:
            yield server, *[Device(folder, f"d{i}", server, dialect) for i in range(devices)]
        finally:
            server.end()


def round_trip(dialect, *options):
    """Creations, edits, deletions of three sides meet; ids stay what each side calls them."""
    with scene(*options, dialect=dialect) as (server, one, two):
        made_there = server.put({"title": "theirs"})
        one.put("mine", {"title": "mine", "n": 1})
        one.sync()
        check("an id of ours stays", one.items()["mine"] == {"title": "mine", "n": 1})
        check("an id of theirs is taken over", one.items()[made_there] == {"title": "theirs"})
        two.sync()
        same(f"{dialect}: after the first sync", server, one, two)
        one.put("mine", {"title": "edited"}, "--patch")
        one.put("mine", {"done": True}, "--patch", "--increment", "n=2")
        one.put(made_there, {"by": "one"}, "--patch")
        one.sync()
        two.sync()
        same(f"{dialect}: after edits", server, one, two)
        check("the edit is whole", {"title": "edited", "n": 3, "done": True} in
              list(two.items().values()))
        two.remove(made_there)
        server.delete(next(i["id"] for i in server.items() if i["title"] == "edited"))
        two.sync()
        one.sync()
        same(f"{dialect}: after deletions", server, one, two)
        check("nothing is left", server.items() == [] and one.items() == {})
        status = one.status()
        check(f"status names the dialect and what is weaker: {status}",
              status["dialect"] == dialect and len(status["weaker"]) >= 3)


def conflict():
    """Both edit the same item: fields that differ merge, the same field goes to the server."""
    with scene() as (server, one, two):
        one.put("note", {"a": 0, "b": 0, "c": 0})
        one.sync()
        two.sync()
        name = next(iter(two.items()))
        one.put("note", {"a": 1, "c": 1}, "--patch")
        two.put(name, {"b": 2, "c": 2}, "--patch")
        one.sync()
        done = two.sync()
        check(f"one conflict: {done}", done["conflicts"] == 1)
        one.sync()
        same("after the conflict", server, one, two)
        check("it is merged", one.items()["note"] == {"a": 1, "b": 2, "c": 1})
        one.remove("note")
        two.put(name, {"a": 9}, "--patch")
        two.sync()
        one.sync()
        one.sync()
        two.sync()
        same("after delete against edit", server, one, two)


def lost_replies():
    """A batch whose answer is lost is sent again under the same key, byte for byte, and counts
    once; also by the next process."""
    with scene() as (server, one, two):
        for i in range(30):
            one.put(f"n{i}", {"n": i})
        server.fail(1, "cut_after", "/batch-sync")
        one.sync()
        sent = server.batches()
        check(f"the first answer was lost: {sent}", len(sent) == 2 and sent[0]["status"] == 0)
        check("the second try bears its key and its bytes",
              sent[1]["replayed"] and sent[1]["sameBody"])
        one.put("n0", {"n": 100})
        one.put("n30", {"n": 30})
        server.fail(1, "cut_after", "/batch-sync")
        one.sync(code=3)
        for i in range(31, 40):
            one.put(f"n{i}", {"n": i})
        one.sync()
        check(f"each is there once: {len(server.items())}", len(server.items()) == 40)
        check("retries never differ from what they repeat",
              all(b["sameBody"] for b in server.batches() if b["replayed"]))
        two.sync()
        same("after lost answers", server, one, two)


def own_items_seen_first():
    """The answer to a creation is lost, and the pull brings the item: it is ours all the same."""
    with scene() as (server, one, two):
        one.put("early", {"title": "early"})
        server.fail(1, "cut_after", "/batch-sync")
        one.sync(code=3)
        two.sync()  # Edits it under the server's name meanwhile.
        name = next(iter(two.items()))
        two.put(name, {"seen": True}, "--patch")
        two.sync()
        one.sync()
        one.sync()
        check(f"there is one item: {one.items()}",
              one.items() == {"early": {"title": "early", "seen": True}})
        same("after an early pull", server, one, two)


def names_that_collide():
    """The server gives another item the name that one of ours has."""
    with scene() as (server, one, two):
        server.put({"title": "theirs"}, "same")
        one.put("same", {"title": "mine"})
        one.sync()
        two.sync()
        same("after a collision of names", server, one, two)
        check(f"ours keeps its name: {one.items()}", one.items()["same"] == {"title": "mine"})
        one.put("same", {"more": 1}, "--patch")
        one.sync()
        two.sync()
        same("and is edited under it", server, one, two)


def expired_cursor():
    """After a 410 all is read anew; what the server no longer has goes, what waits stays."""
    with scene("--expire-cursors-after", "5") as (server, one, _):
        names = [server.put({"n": i}) for i in range(4)]
        one.sync()
        one.put("mine", {"title": "waits"})
        server.delete(names[0])
        for i in range(20):
            server.put({"n": 100 + i})
        one.sync()
        same("after an expired cursor", server, one)
        check("the deleted one is gone", names[0] not in one.items())
        check("ours is there", one.items()["mine"] == {"title": "waits"})


def trouble():
    """Portals, overload and refusals: nothing is lost, and nothing is believed."""
    with scene() as (server, one, two):
        server.put({"n": 1})
        one.sync()
        before = one.items()
        for how, code in (("html", 3), ("empty", 3), ("cut_before", 3), ("500", 75)):
            server.fail(9, how)
            one.sync(code=code)
            check(f"{how}: the items stay", one.items() == before)
        server.fail(1, "503")
        one.put("a", {"n": 2})
        one.sync()
        one.put("good", {"n": 3})
        one.put("bad", {"n": 1})
        one.sync()
        one.put("bad", {"n": {"no": "number"}})
        one.sync()
        one.put("bad", {}, "--patch", "--increment", "m=1")
        one.sync()
        two.sync()
        same("after trouble", server, one, two)


def another_dialect():
    """A store stays with the dialect it began with; the program finds it by itself."""
    with scene() as (server, one, _):
        one.put("a", {"n": 1})
        one.sync()
        one.put("b", {"n": 2})
        one.run("sync")
        same("without naming it again", server, one)
        other = Device(Path(one.store).parent, "d0", server, "json-since")
        done = subprocess.run([PROGRAM, "sync", "--store", one.store, *other.sync_flags],
                              capture_output=True, text=True, timeout=LIMIT_S, check=False)
        check(f"another dialect is refused: {done.stderr}",
              done.returncode == 6 and "store_of_another" in done.stderr)


def kill_and_resume():
    """A device that is killed while its batches are under way sends them again as they were."""
    with scene() as (server, one, two):
        for i in range(60):
            one.put(f"n{i}", {"n": i})
        for _ in range(4):
            server.fail(1, "slow_ms:400", "/batch-sync")
            process = subprocess.Popen([PROGRAM, "sync", "--store", one.store, *one.sync_flags],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            seen = len(server.batches())
            while len(server.batches()) == seen and process.poll() is None:
                pass
            process.kill()
            process.wait(LIMIT_S)
        one.sync()
        two.sync()
        check(f"each is there once: {len(server.items())}", len(server.items()) == 60)
        same("after kills", server, one, two)


def main():
    round_trip("json")
    round_trip("json-since", "--only-since")
    round_trip("json-since", "--only-since", "--clock-offset-ms", "-30000")
    conflict()
    lost_replies()
    own_items_seen_first()
    names_that_collide()
    expired_cursor()
    trouble()
    another_dialect()
    kill_and_resume()
    report()


if __name__ == "__main__":
    main()
