#!/usr/bin/python3
"""The program as a user meets it: commands, exit codes, error texts, JSON.

One process a step, real files, a real server on loopback. Ends with the number of checks, or with
the first that failed.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from checks import check, report

PROGRAM = os.environ.get("SYNCLINE_PROGRAM") or str(
    Path(__file__).resolve().parents[2] / "build/release/bin/syncline")
LIMIT_S = 60


class Shell:
    """Runs commands in one directory."""

    def __init__(self, directory):
        self.directory = directory
        self.last = None

    def run(self, *arguments, stdin=""):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("SYNCLINE_")}
        self.last = subprocess.run([PROGRAM, *arguments], cwd=self.directory, input=stdin,
                                   env=environment, text=True, capture_output=True,
                                   timeout=LIMIT_S, check=False)
        return self.last

    def ok(self, *arguments, stdin=""):
        done = self.run(*arguments, stdin=stdin)
        check(f"{arguments} ends with 0, not {done.returncode}: {done.stderr}",
              done.returncode == 0)
        return done.stdout

    def fails(self, code, word, *arguments, stdin=""):
        done = self.run(*arguments, stdin=stdin)
        check(f"{arguments} ends with {code}, not {done.returncode}: {done.stderr}",
              done.returncode == code)
        check(f"{arguments} says {word!r}: {done.stderr}", word in done.stderr)

    def json(self, *arguments):
        return json.loads(self.ok(*arguments, "--json"))


class Server:
    """`syncline server` as a process."""

    def __init__(self, directory, store="server"):
        self.process = subprocess.Popen(
            [PROGRAM, "server", "--store", store, "--listen", "127.0.0.1:0"], cwd=directory,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = self.process.stdout.readline()
        check(f"the server says where it listens: {line!r}", line.startswith("listening on "))
        self.url = line.split()[-1]

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(LIMIT_S)


def usage(shell):
    shell.fails(2, "did you mean 'status'", "stats")
    shell.fails(2, "did you mean 'list'", "outbox", "lst")
    shell.fails(2, "id is required", "put", "notes")
    shell.fails(2, "A subcommand is required")
    shell.fails(2, "FIELD=NUMBER", "put", "notes", "n", "--increment", "x")
    check("--version", shell.ok("--version").startswith("syncline "))
    for command in ["server", "put", "get", "rm", "ls", "sync", "watch", "status", "explain",
                    "outbox", "conflicts", "jobs", "store", "scenario", "simulate",
                    "demo"]:
        check(f"{command} --help", "Usage" in shell.ok(command, "--help"))


def items(shell):
    shell.ok("put", "notes", "n1", '{"title":"Milk","n":1}')
    shell.ok("put", "notes", "n2", stdin='{"title":"Tea"}')
    shell.ok("put", "notes", "n1", '{"done":true}', "--patch", "--increment", "n=2")
    check("the patch and the increment are seen",
          json.loads(shell.ok("get", "notes", "n1")) == {"title": "Milk", "n": 3, "done": True})
    check("get --json", shell.json("get", "notes", "n1")["state"] == "pending")
    check("ls", shell.ok("ls", "notes").count("\n") == 2)
    check("ls of collections", shell.ok("ls").split() == ["notes"])
    check("--limit", shell.ok("ls", "notes", "--limit", "1").count("\n") == 1)
    check("--after", shell.ok("ls", "notes", "--after", "n1").startswith("n2\t"))
    shell.ok("put", "other", "o1", "{}")
    check("a second collection", shell.ok("ls").split() == ["notes", "other"])
    shell.ok("rm", "notes", "n2")
    shell.fails(1, "notes has no item 'n2'", "get", "notes", "n2")
    shell.fails(1, "[already_exists]", "put", "notes", "n1", "{}", "--create")


def bad_input(shell):
    shell.fails(1, "[bad_json]", "put", "notes", "x", '{"a":')
    shell.fails(1, "[duplicate_key]", "put", "notes", "x", '{"a":1,"a":2}')
    shell.fails(1, "[not_an_object]", "put", "notes", "x", "[1]")
    shell.fails(1, "[reserved_name]", "put", "notes", "x", '{"id":"y"}')
    shell.fails(2, "[bad_collection]", "put", "No such", "x", "{}")
    shell.fails(1, "[bad_id]", "put", "notes", "x" * 300, "{}")
    shell.fails(1, "[not_found]", "put", "notes", "absent", '{"a":1}', "--patch")
    check("nothing of it was stored", shell.ok("ls", "notes").count("\n") == 1)
    shell.fails(1, "[store_not_found]", "ls", "--store", "absent")
    shell.fails(1, "[no_server]", "sync")
    shell.fails(5, "plain http:// is for loopback hosts only", "sync", "--server",
                "http://example.org")
    shell.fails(3, "[connection_refused]", "sync", "--store", "far", "--collection", "notes",
                "--server", "http://127.0.0.1:1", "--attempts", "1")
    shell.fails(5, "[not_loopback]", "server", "--store", "s", "--listen", "0.0.0.0:0")
    shell.fails(2, "HOST:PORT", "server", "--store", "s", "--listen", "127.0.0.1:99999")


def jobs(shell, server):
    """Jobs are stored; `jobs run` runs what is due, and one by its name."""
    shell.fails(1, "[no_server]", "jobs", "add", "often", "--store", "unbound")
    shell.ok("put", "notes", "n1", "{}", "--store", "jobs")
    shell.fails(2, "[bad_job]", "jobs", "add", "Often", "--store", "jobs", "--server", server.url)
    add = ["jobs", "add", "often", "--store", "jobs", "--server", server.url]
    shell.fails(2, "[bad_job]", *add, "--every", "59s")
    shell.fails(2, "--every", *add, "--every", "15")
    check("jobs add", shell.ok(*add, "--every", "90m") == "scheduled often\n")
    check("jobs add again keeps it", "kept the job often" in shell.ok(*add))
    listed = shell.json("jobs", "list", "--store", "jobs")
    check(f"jobs list --json: {listed}", listed["name"] == "often" and listed["state"] == "due" and
          listed["intervalMs"] == 90 * 60_000 and listed["network"] == "connected")
    check("nothing ran", shell.json("status", "--store", "jobs")["waiting"] == 1)
    ran = shell.ok("jobs", "run", "--store", "jobs")
    check(f"jobs run runs what is due: {ran!r}",
          ran.startswith("often\twaiting\tevery 90m\truns 1"))
    check("it synced", shell.json("status", "--store", "jobs")["waiting"] == 0)
    check("nothing is due any more", shell.ok("jobs", "run", "--store", "jobs") == "")
    shell.ok("put", "notes", "n2", "{}", "--store", "jobs")
    by_name = shell.json("jobs", "run", "often", "--store", "jobs")
    check(f"jobs run by name: {by_name}", by_name["success"] and by_name["itemsProcessed"] == 1)
    check("--replace", shell.ok(*add, "--every", "1d", "--network", "unmetered", "--replace")
          == "scheduled often\n")
    listed = shell.ok("jobs", "list", "--store", "jobs")
    check(f"jobs list: {listed!r}", listed == "often\tdue\tevery 1d\truns 0\n")
    shell.ok("jobs", "remove", "often", "--store", "jobs")
    shell.fails(1, "[not_found]", "jobs", "remove", "often", "--store", "jobs")
    shell.fails(1, "[not_found]", "jobs", "run", "often", "--store", "jobs")
    shell.ok("put", "notes", "n3", "{}", "--store", "jobs")
    brief = shell.run("sync", "--deadline", "0s", "--store", "jobs", "--json")
    check(f"sync --deadline 0s: {brief.returncode} {brief.stdout}", brief.returncode == 75 and
          json.loads(brief.stdout)["error"]["code"] == "expired")
    check("sync --deadline", shell.json("sync", "--deadline", "1m", "--store", "jobs")["success"])


def syncing(shell, server):
    report = shell.json("sync", "--server", server.url)
    check("all is sent", report["success"] and report["waiting"] == 0)
    # The server is remembered.
    shell.ok("put", "notes", "n1", '{"title":"Bread"}', "--patch")
    check("it is sent", shell.json("sync")["itemsProcessed"] == 1)
    shell.ok("sync", "--store", "second", "--server", server.url, "--collection", "notes")
    check("it is there", json.loads(shell.ok("get", "notes", "n1", "--store", "second"))["title"]
          == "Bread")
    check("status", shell.json("status")["server"] == server.url)
    check("status for people", "waiting      0 writes" in shell.ok("status"))
    shell.ok("put", "notes", "n1", '{"title":"Jam"}', "--patch")
    told = shell.json("explain", "notes", "n1")
    check("explain names the write that waits", len(told["waiting"]) == 1)
    waiting = json.loads(shell.ok("outbox", "list", "--json"))
    check("outbox list", waiting["id"] == "n1" and waiting["state"] == "queued")
    shell.ok("outbox", "discard", str(waiting["seq"]))
    check("the write is taken back", json.loads(shell.ok("get", "notes", "n1"))["title"]
          == "Bread")
    shell.fails(6, "[store_of_another]", "sync", "--server", "http://127.0.0.1:2")


def deciding(shell, server):
    shell.ok("put", "notes", "n1", '{"title":"here"}', "--patch")
    shell.ok("put", "notes", "n1", '{"title":"there"}', "--patch", "--store", "second")
    shell.ok("sync", "--store", "second")
    done = shell.run("sync", "--strategy", "manual", "--json")
    check(f"a conflict is left: {done.stderr}", done.returncode == 4)
    number = json.loads(done.stdout)["conflictsOpen"]
    check("one conflict", number == 1)
    listed = json.loads(shell.ok("conflicts", "list", "--open", "--json"))
    check("both sides are kept", listed["mine"]["title"] == "here" and
          listed["theirs"]["title"] == "there")
    check("show", "theirs" in shell.ok("conflicts", "show", str(listed["conflictId"])))
    shell.fails(1, "[not_found]", "conflicts", "show", "999")
    shell.ok("conflicts", "resolve", str(listed["conflictId"]), "mine")
    shell.ok("sync", "--strategy", "manual")
    shell.ok("sync", "--store", "second")
    check("the decision reaches the other", json.loads(
        shell.ok("get", "notes", "n1", "--store", "second"))["title"] == "here")
    watched = shell.ok("watch", "--beside", "--after", "0", "--count", "1", "--json")
    check("watch", json.loads(watched)["seq"] > 0)
    check("the server ends in order", server.stop() == 0)


def files(shell):
    check("check", shell.ok("store", "check", "syncline-data").startswith("ok: "))
    check("stat", shell.json("store", "stat", "server")["kind"] == "server")
    before = shell.json("store", "stat", "--content", "syncline-data")["content"]
    check("the devices have the same notes", before["notes"] ==
          shell.json("store", "stat", "--content", "second")["content"]["notes"])
    shell.ok("store", "backup", "syncline-data", "copy")
    shell.fails(1, "[already_exists]", "store", "backup", "syncline-data", "copy")
    shell.ok("store", "compact", "syncline-data")
    check("compaction and backup keep the content",
          before == shell.json("store", "stat", "--content", "syncline-data")["content"] ==
          shell.json("store", "stat", "--content", "copy")["content"])
    holder = Server(shell.directory)
    shell.fails(6, "[store_locked]", "store", "compact", "server")
    shell.fails(6, "[store_locked]", "server", "--store", "server", "--listen", "127.0.0.1:0")
    check("Ctrl-C ends it in order too", holder.stop(signal.SIGINT) == 0)
    data = shell.directory / "copy" / "data.mdb"
    content = bytearray(data.read_bytes())
    at = content.index(b"here")
    content[at] ^= 1
    data.write_bytes(bytes(content))
    shell.fails(6, "[store_corrupt]", "store", "check", "copy")
    shell.fails(6, "[store_corrupt]", "put", "notes", "n9", "{}", "--store", "copy")
    data.write_bytes(b"not a store" * 1000)
    shell.fails(6, "[store_foreign]", "ls", "--store", "copy")


def stories(shell):
    told = [json.loads(line) for line in shell.ok("scenario", "--json").splitlines()]
    check("six scenarios", len(told) == 6 and all(one["ok"] for one in told))
    shell.fails(2, "there is no scenario", "scenario", "nonsense")
    if Path("/usr/share/iso-codes").is_dir():
        check("the demo's sides are equal", "sides are equal" in shell.ok("demo", "--once"))
        for how in ["edit", "byte"]:
            done = shell.run("demo", "--once", "--spoil", how)
            check(f"the demo notices {how}", done.returncode == 1 and
                  "THE SIDES DIFFER" in done.stdout)
    told = json.loads(shell.ok("simulate", "--seeds", "3", "--twice", "--json"))
    check("simulate", told["seeds"] == 3 and not told["failures"])
    shell.fails(1, "repeat it with: syncline simulate", "simulate", "--seeds", "2000", "--plant",
                "cursor-before-rows")


def main():
    if not Path(PROGRAM).exists():
        sys.exit(f"{PROGRAM} is not built")
    with tempfile.TemporaryDirectory() as directory:
        shell = Shell(Path(directory))
        usage(shell)
        items(shell)
        bad_input(shell)
        server = Server(shell.directory)
        try:
            syncing(shell, server)
            jobs(shell, server)
            deciding(shell, server)
        finally:
            if server.process.poll() is None:
                server.process.kill()
        files(shell)
        stories(shell)
    report()


if __name__ == "__main__":
    main()
