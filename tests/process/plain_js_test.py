#!/usr/bin/python3
"""examples/plain_js against a real server: clients written from the public API alone."""

import json
import os
import queue
import subprocess
import tempfile
import threading
import urllib.request
from pathlib import Path

from checks import check, report, skip
from server_process import ROOT, start_server

EXAMPLES = ROOT / "examples" / "plain_js"
LINES_MAX = 60
EDITOR_LINES_MAX = 80
NODE = {**os.environ, "NODE_PATH": "/usr/share/nodejs"}


def has_node():
    try:
        probe = 'require("ws"); require("eventsource"); fetch'
        return subprocess.run(["node", "-e", probe], env=NODE, capture_output=True,
                              check=False).returncode == 0
    except FileNotFoundError:
        return False


def node(script, *arguments, stdin=""):
    run = subprocess.run(["node", EXAMPLES / script, *arguments], input=stdin, env=NODE,
                         capture_output=True, text=True, timeout=60, check=False)
    return run.returncode, run.stdout.strip(), run.stderr.strip()


class following:
    """An example that goes on, and its lines as they come."""

    def __init__(self, script, *arguments):
        self.process = subprocess.Popen(["node", EXAMPLES / script, *arguments], env=NODE,
                                        text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def next(self):
        return self.lines.get(timeout=30)

    def after(self, kind):
        """The next line that begins so; says what came before it."""
        passed = []
        while True:
            passed.append(self.next())
            if passed[-1].startswith(kind):
                return passed

    def say(self, message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def end(self):
        self.process.kill()
        self.process.wait()


class restartable_server:
    """A server that dies and comes back at the same address."""

    def __init__(self, folder):
        self.folder = folder
        self.process, self.port = start_server(folder)
        self.url = f"http://127.0.0.1:{self.port}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def restart(self):
        self.process, _ = start_server(self.folder, self.port)

    def write(self, *operations):
        code, out, _ = node("push_batch.js", self.url, stdin=json.dumps(operations))
        return code, out


def create(item, **data):
    return {"operation": "CREATE", "id": item, "data": {"id": item, **data}}


def pulls_and_pushes(server, folder):
    state = str(Path(folder) / "state.json")
    check("nothing yet", node("pull_changes.js", server.url, state)[1] == "0 changes, 0 items")
    code, out = server.write(create("a", v=1), create("b"), create("a", v=9),
                             {"operation": "DELETE", "id": "none"})
    check("a result for each", [line.split()[:2] for line in out.splitlines()] == [
        ["a", "SYNCED"], ["b", "SYNCED"], ["a", "CONFLICT"], ["none", "SYNCED"]])
    check("not all of it went well", code == 2)
    check("pulled", node("pull_changes.js", server.url, state)[1] == "2 changes, 2 items")
    check("the tag spares the page", node("pull_changes.js", server.url, state)[1]
          == "0 changes, 2 items")
    server.write({"operation": "UPDATE", "id": "a", "version": 1, "data": {"v": 2}},
                 {"operation": "DELETE", "id": "b"}, *(create(f"m{i}") for i in range(600)))
    check("pages", node("pull_changes.js", server.url, state)[1] == "602 changes, 601 items")
    check("the copy", json.loads(Path(state).read_text())["items"]["a"]["v"] == 2)
    check("a bad request is said", node("push_batch.js", server.url, stdin='[{"operation":"X"}]')[0]
          != 0)


def follows_through_a_restart(server, script, created, deleted):
    one = following(script, server.url)
    try:
        one.after("connected")
        name = script.replace(".js", "")
        server.write(create(name))
        check("live", json.loads(one.after(created)[-1].split(" ", 1)[1])["id"] == name)
        server.kill()
        one.after("interrupted")
        server.restart()
        server.write(create(name + "-missed"), {"operation": "DELETE", "id": name})
        # Deletions of a page come first.
        check("what was missed is told", name in one.after(deleted)[-1]
              and name + "-missed" in one.after(created)[-1])
    finally:
        one.end()


def writes_over_the_stream(server):
    one = following("follow_stream.js", server.url)
    try:
        one.after("connected")
        one.say({"type": "item_created", "data": {"id": "typed", "n": 1}})
        check("acknowledged", '"version":1' in one.after("ack")[-1])
        one.say({"type": "item_created", "data": {"id": "typed", "n": 2}})
        check("refused", "conflict" in one.after("error")[-1])
    finally:
        one.end()


def edit_one_text(server):
    """Each types without waiting for the others: all end with the server's text."""
    editors = [following("edit_text.js", server.url, "notes/today") for _ in range(3)]
    try:
        shown = [json.loads(editor.next()) for editor in editors]
        check("an empty text", all(each["text"] == "" for each in shown))
        for turn in range(20):
            for number, editor in enumerate(editors):
                editor.say({"at": 0, "insert": f"<{number}.{turn} \U0001F600>"})
        revision = 3 * 20
        ends = []
        for editor in editors:
            last = {"revision": 0, "waiting": 1}
            while last["revision"] < revision or last["waiting"]:
                last = json.loads(editor.next())
            ends.append(last["text"])
        with urllib.request.urlopen(server.url + "/document/notes/today", timeout=30) as reply:
            text = json.loads(reply.read())["text"]
        check("all have the server's text", all(end == text for end in ends))
        check("everything that was typed, once", all(
            text.count(f"<{number}.{turn} \U0001F600>") == 1
            for number in range(3) for turn in range(20)))
    finally:
        for editor in editors:
            editor.end()


def main():
    if not has_node():
        skip("nodejs, node-ws or node-eventsource is not installed")
    for script in EXAMPLES.glob("*.js"):
        limit = EDITOR_LINES_MAX if script.name == "edit_text.js" else LINES_MAX
        check("short", len(script.read_text().splitlines()) < limit)
    with tempfile.TemporaryDirectory() as folder:
        server = restartable_server(folder + "/store")
        try:
            pulls_and_pushes(server, folder)
            follows_through_a_restart(server, "follow_events.js", "item-created", "item-deleted")
            follows_through_a_restart(server, "follow_stream.js", "item_created", "item_deleted")
            writes_over_the_stream(server)
            edit_one_text(server)
        finally:
            server.kill()
    report()


if __name__ == "__main__":
    main()
