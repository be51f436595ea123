"""What tests of live changes between processes share: a `syncline watch` that is read, a line to a
server that can be cut or that lets no WebSocket pass, and a device that writes."""

import json
import queue
import socket
import subprocess
import threading
import time

from server_process import BUILD

PROGRAM = BUILD / "bin" / "syncline"
NEVER_S = 45  # No stream may be dead for longer.


class Watcher:
    """One `syncline watch`, and the ids that it has printed."""

    def __init__(self, folder, name, url, *flags, inside=()):
        """`inside` is a command that runs another one somewhere else."""
        self.process = subprocess.Popen(
            [*inside, PROGRAM, "watch", "--store", f"{folder}/{name}", "--server", url,
             "--collection", "notes", "--json", *flags],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
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


class Line:
    """A line to the server that can be cut: what is open is reset, what comes is refused. Keeps the
    first line of each connection, and may answer those that ask for a WebSocket."""

    def __init__(self, port, passes_websockets=True):
        self.target = port
        self.passes_websockets = passes_websockets
        self.begun = []
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
            threading.Thread(target=self.begin, args=(near,), daemon=True).start()

    def begin(self, near):
        head = b""
        try:
            while b"\r\n\r\n" not in head:
                data = near.recv(65536)
                if not data:
                    return near.close()
                head += data
            self.begun.append(head.split(b"\r\n")[0].decode())
            if not self.passes_websockets and b"upgrade: websocket" in head.lower():
                near.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                return near.close()
            far = socket.create_connection(("127.0.0.1", self.target))
            far.sendall(head)
        except OSError:  # The server is not there, or the line is cut.
            return near.close()
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
