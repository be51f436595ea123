#!/usr/bin/python3
"""Where no WebSocket passes, `syncline watch` gets what others write as an event stream, as it is
made and not by the next poll."""

import tempfile

from checks import check, report
from live_processes import Line, Watcher, write
from server_process import start_server


def follows_events(folder, port):
    line = Line(port, passes_websockets=False)
    url = f"http://127.0.0.1:{port}"
    watcher = Watcher(folder, "phone", f"http://127.0.0.1:{line.port}")
    try:
        write(folder, url, "first")
        check("the first change", watcher.prints("first"))
        write(folder, url, "live by now")
        check("the second change", watcher.prints("live by now"))
        for number in range(5):
            write(folder, url, f"n{number}")
            # A poll comes after 27 s at the earliest.
            check("as it is made", watcher.prints(f"n{number}", 15))
        asked = [each for each in line.begun if "/events?hello=" in each]
        check("asked for events", len(asked) >= 1)
        check("and for WebSockets first", len([e for e in line.begun if "/stream" in e]) >= 3)
        line.cut()
        write(folder, url, "while cut")
        line.restore()
        check("after a cut", watcher.prints("while cut"))
        check("each once", len(watcher.printed) == len(set(watcher.printed)))
        check("ends in order", watcher.end() == 0)
    finally:
        watcher.process.kill()


def main():
    with tempfile.TemporaryDirectory() as folder:
        process, port = start_server(f"{folder}/server")
        try:
            follows_events(folder, port)
        finally:
            process.kill()
            process.wait()
    report()


if __name__ == "__main__":
    main()
