#!/usr/bin/python3
"""`syncline watch`: what one device writes appears on the others while they watch, through a server
that is killed and a network that is cut fifty times."""

import json
import queue
import random
import socket
import subprocess
import tempfile
import threading
import time

from checks import check, report
from server_process import BUILD, start_server

PROGRAM = BUILD / "bin" / "syncline"
CUTS = 50
NEVER_S = 45  # No stream may be dead for longer.


class Watcher:
    """One `syncline watch`, and the ids that it has printed."""

    def __init__(self, folder, name, url):
        self.process = subprocess.Popen(
            [PROGRAM, "watch", "--store", f"{folder}/{name}", "--server", url, "--collection",
             "notes", "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.lines = queue.Queue()
        self.printed = []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def prints(self, item, within=NEVER_S):
        end = time.monotonic() + within
        while item not in self.printed:
            try:
                self.printed.append(self.lines.get(timeout=max(0, end - time.monotonic()))["id"])
            except queue.Empty:
                return False
        return True

    def end(self):
        self.process.terminate()
        return self.process.wait(20)


def shut(one):
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:  # Its other end was quicker.
        pass


class CutLine:
    """A line to the server that can be cut: what is open is reset, what comes is refused."""

    def __init__(self, port):
        self.target = port
        self.listener = None
        self.sockets = []
        self.lock = threading.Lock()
        self.port = 0
        self.restore()

    def restore(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:  # The server is not there.
                near.close()
                continue
            with self.lock:
                self.sockets += [near, far]
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=pair, daemon=True).start()

    @staticmethod
    def carry(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for each in (source, sink):
            shut(each)

    def cut(self):
        shut(self.listener)
        self.listener.close()
        with self.lock:
            for each in self.sockets:
                shut(each)
                each.close()
            self.sockets = []


def write(folder, url, item):
    for command in (["put", "notes", item, "{}"], ["sync", "--server", url]):
        subprocess.run([PROGRAM, *command, "--store", f"{folder}/writer"], check=True, timeout=60,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def appears_live(folder, url, watchers):
    write(folder, url, "first")
    for each in watchers:
        check("the first change", each.prints("first"))
    for number in range(5):
        write(folder, url, f"n{number}")
        for each in watchers:
            # A poll comes after 27 s at the earliest.
            check("as it is made", each.prints(f"n{number}", 15))


def survives_cuts(folder, url, line, watchers):
    chance = random.Random(5)
    for number in range(CUTS):
        line.cut()
        if number % 5 == 0:
            write(folder, url, f"cut{number}")
        time.sleep(chance.random() * 0.2)  # The length of a cut is what is tried here.
        line.restore()
        time.sleep(chance.random() * 0.6)
    write(folder, url, "last")
    for each in watchers:
        for number in range(0, CUTS, 5):
            check("no change is skipped", each.prints(f"cut{number}"))
        check("after the last cut", each.prints("last"))
        check("each once", len(each.printed) == len(set(each.printed)))


def survives_a_killed_server(folder, process, port, watchers):
    process.kill()
    process.wait()
    process, _ = start_server(f"{folder}/server", port)
    try:
        write(folder, f"http://127.0.0.1:{port}", "after")
        for each in watchers:
            check("after the server was killed", each.prints("after"))
        for each in watchers:
            check("ends in order", each.end() == 0)
    finally:
        process.kill()
        process.wait()


def main():
    with tempfile.TemporaryDirectory() as folder:
        process, port = start_server(f"{folder}/server")
        url = f"http://127.0.0.1:{port}"
        line = CutLine(port)
        watchers = [Watcher(folder, "phone", f"http://127.0.0.1:{line.port}"),
                    Watcher(folder, "tablet", f"http://127.0.0.1:{line.port}")]
        try:
            appears_live(folder, url, watchers)
            survives_cuts(folder, url, line, watchers)
            survives_a_killed_server(folder, process, port, watchers)
        finally:
            process.kill()
            for each in watchers:
                each.process.kill()
    report()


if __name__ == "__main__":
    main()
