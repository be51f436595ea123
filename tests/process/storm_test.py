#!/usr/bin/python3
"""C11: five hundred runtimes come back after their server was killed, each with news of its own."""

import subprocess
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import own_network
from checks import check, report
from server_process import BUILD, start_server

PROGRAM = BUILD / "bin" / "crowd_program"
RUNTIMES = 500
PROCESSES = 4
AWAY_S = 5  # Long enough for backoffs to grow.
NEVER_S = 240  # Only a failed test waits for it.


class Crowd:
    """One process with many runtimes, and what it says."""

    def __init__(self, folder, first, count, url):
        self.process = subprocess.Popen(
            [PROGRAM, folder, str(first), str(count), url], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.synced_ms = []

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hears(self, wanted):
        for line in self.process.stdout:
            words = line.split()
            if words[0] == "synced":
                self.synced_ms.append(int(words[2]))
            if words[0] == wanted:
                return True
        return False

    def end(self):
        self.process.stdin.close()
        return self.process.wait(NEVER_S)


def all_hear(crowds, wanted, command=None):
    """All at once: each is asked before the first is waited for."""
    for crowd in crowds:
        crowd.synced_ms = []
        if command:
            crowd.say(command)
    for crowd in crowds:
        check(f"a crowd says {wanted}", crowd.hears(wanted))


def tcp_counters():
    """Of this network: connections asked for, refused and accepted since its beginning."""
    names, values = [line.split() for line in Path("/proc/self/net/snmp").read_text().splitlines()
                     if line.startswith("Tcp:")]
    row = dict(zip(names, values))
    return [int(row[name]) for name in ("ActiveOpens", "AttemptFails", "PassiveOpens")]


class Meter:
    """The counters of each second, until it is ended."""

    def __init__(self):
        self.seconds = []
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.measure)
        self.thread.start()

    def measure(self):
        before = tcp_counters()
        while not self.is_over.wait(1):
            now = tcp_counters()
            self.seconds.append([late - early for late, early in zip(now, before)])
            before = now

    def end(self):
        self.is_over.set()
        self.thread.join()


def show(seconds, restarted_at, synced_ms):
    done = Counter(restarted_at + ms // 1000 for ms in synced_ms)
    print("second  asked  refused  accepted  runtimes in sync")
    total = 0
    for second, (asked, refused, accepted) in enumerate(seconds):
        total += done[second]
        note = "  <- the server is back" if second == restarted_at else ""
        print(f"{second:6} {asked:6} {refused:8} {accepted:9} {total:17}{note}")


def storm(folder):
    process, port = start_server(f"{folder}/server")
    each = RUNTIMES // PROCESSES
    crowds = []
    try:
        crowds = [Crowd(folder, number * each, each, f"http://127.0.0.1:{port}")
                  for number in range(PROCESSES)]
        all_hear(crowds, "opened")
        all_hear(crowds, "written", "write before")
        all_hear(crowds, "all", f"await {RUNTIMES}")
        meter = Meter()
        process.kill()
        process.wait()
        all_hear(crowds, "written", "write during")
        time.sleep(AWAY_S)
        restarted_at = len(meter.seconds)
        process, _ = start_server(f"{folder}/server", port)
        all_hear(crowds, "all", f"await {2 * RUNTIMES}")
        meter.end()
        synced_ms = sorted(ms for crowd in crowds for ms in crowd.synced_ms)
        show(meter.seconds, restarted_at, synced_ms)
        check("each once", len(synced_ms) == RUNTIMES)
        for crowd in crowds:
            check("ends in order", crowd.end() == 0)
        print(f"{RUNTIMES} runtimes in sync: half {synced_ms[len(synced_ms) // 2]} ms, "
              f"the last {synced_ms[-1]} ms after the restart")
    finally:
        process.kill()
        process.wait()
        for crowd in crowds:
            crowd.process.kill()


def main():
    # A network of its own, so that the counters are of nobody else; where there is none, this one.
    if own_network.is_inside():
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    elif own_network.why_not() is None:
        own_network.enter(__file__)
    with tempfile.TemporaryDirectory() as folder:
        storm(folder)
    report()


if __name__ == "__main__":
    main()
