"""`sensors_program` as a process: what the sensors of the host tell, line by line."""

import json
import os
import queue
import subprocess
import threading
import time

from server_process import BUILD

PROGRAM = BUILD / "bin" / "sensors_program"
SOON_S = 10  # Only a failed test waits for it.


class Sensors:
    """One run of the program; `bus` is the address that it takes for that of the system bus."""

    def __init__(self, *flags, bus="unix:path=/nonexistent"):
        self.process = subprocess.Popen(
            [PROGRAM, *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": bus})
        self.lines = queue.Queue()
        self.last = None  # what was told last
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def next(self, within=SOON_S):
        """The next that is told; None where nothing comes."""
        try:
            self.last = self.lines.get(timeout=within)
        except queue.Empty:
            return None
        return self.last

    def tells(self, within=SOON_S, **wanted):
        """Waits until what was told last is as wanted; a text may be the beginning of one."""
        end = time.monotonic() + within
        while not self.is_told(wanted):
            if self.next(max(0.0, end - time.monotonic())) is None:
                print(f"wanted {wanted}, was told last {self.last}", flush=True)
                return False
        return True

    def is_told(self, wanted):
        if self.last is None:
            return False
        told = self.last
        return all(told[name].startswith(value) if isinstance(value, str) else told[name] is value
                   for name, value in wanted.items())

    def end(self):
        """The exit code, after the end of its input."""
        self.process.stdin.close()
        return self.process.wait(SOON_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
