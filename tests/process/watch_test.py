#!/usr/bin/python3
"""`syncline watch`: what one device writes appears on the others while they watch, through a server
that is killed and a network that is cut fifty times."""

import random
import tempfile
import time

from checks import check, report
from live_processes import Line, Watcher, write
from server_process import start_server

CUTS = 50


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
        line = Line(port)
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
