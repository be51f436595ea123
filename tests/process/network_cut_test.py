#!/usr/bin/python3
"""A device in a network of its own, and the server in another one: the cable between them is pulled
(B1), and the line goes dead in one direction and in both, without a word (B2)."""

import asyncio
import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import own_network
from checks import check, report, skip
from live_processes import NEVER_S, Watcher, write
from server_process import start_server

SERVER = "192.0.2.1"
DEVICE = "192.0.2.2"
TLS_PORT = 8443
CABLE_PULLS = 5
NOBODY = "02:00:00:00:00:99"  # An address of Ethernet that no interface has.
DEAD_S = 20


def run(*words):
    subprocess.run(words, check=True)


class Device:
    """The other network, its cable to this one, and commands that run there."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "600"])
        self.inside = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]
        here = Path("/proc/self/ns/net").readlink()
        end = time.monotonic() + 10
        while Path(f"/proc/{self.holder.pid}/ns/net").readlink() == here:
            check("another network is made", time.monotonic() < end)
            time.sleep(0.01)
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "set", "near", "netns", str(self.holder.pid))
        self.ip("link", "set", "lo", "up")
        self.ip("address", "add", f"{DEVICE}/24", "dev", "near")
        self.ip("link", "set", "near", "up")
        run("ip", "address", "add", f"{SERVER}/24", "dev", "far")
        run("ip", "link", "set", "far", "up")

    def ip(self, *words):
        run(*self.inside, "ip", *words)

    def hears_nothing(self, is_so):
        """What is sent to it goes to an interface that does not exist."""
        self.misdirect([], DEVICE, "far", is_so)

    def is_not_heard(self, is_so):
        self.misdirect(self.inside, SERVER, "near", is_so)

    @staticmethod
    def misdirect(where, address, link, is_so):
        command = ["replace", address, "lladdr", NOBODY, "nud", "permanent"]
        run(*where, "ip", "neigh", *(command if is_so else ["del", address]), "dev", link)

    def end(self):
        self.holder.kill()
        self.holder.wait()


def make_certificate(folder):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem", "-days", "2",
        "-subj", "/CN=syncline test", "-addext", f"subjectAltName=IP:{SERVER}")


def serve_tls(folder, port):
    """In front of the server, which speaks to its own machine only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/certificate.pem", f"{folder}/key.pem")

    async def carry(source, sink):
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        sink.close()

    async def begin(reader, writer):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))

    async def serve():
        server = await asyncio.start_server(begin, SERVER, TLS_PORT, ssl=context)
        is_ready.set()
        await server.serve_forever()

    is_ready = threading.Event()
    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    check("TLS is served", is_ready.wait(10))


def comes(watcher, item, what):
    began = time.monotonic()
    check(what, watcher.prints(item))
    print(f"{what}: {time.monotonic() - began:.1f} s", flush=True)


def cable(folder, url, watcher):
    for number in range(CABLE_PULLS):
        run("ip", "link", "set", "far", "down")
        write(folder, url, f"cable{number}")
        time.sleep(number)  # The length of a cut is what is tried here.
        run("ip", "link", "set", "far", "up")
        comes(watcher, f"cable{number}", f"after the cable was out for {number} s and more")


def dead_lines(device, folder, url, watcher):
    ways = {"the server is not heard": [device.hears_nothing],
            "the device is not heard": [device.is_not_heard],
            "nobody is heard": [device.hears_nothing, device.is_not_heard]}
    for number, (name, switches) in enumerate(ways.items()):
        for switch in switches:
            switch(True)
        write(folder, url, f"dead{number}")
        heard = watcher.prints(f"dead{number}", DEAD_S * (number + 1) / 3)
        # What the device does not acknowledge reaches it all the same, for a while.
        check("nothing passes", not (heard and device.hears_nothing in switches))
        for switch in switches:
            switch(False)
        comes(watcher, f"dead{number}", f"after a while in which {name}")


def inside():
    made = subprocess.run(["ip", "link", "add", "near", "type", "veth", "peer", "name", "far"],
                          capture_output=True, text=True, check=False)
    if made.returncode != 0:
        skip(f"this kernel makes no veth interface: {made.stderr.strip()}")
    with tempfile.TemporaryDirectory() as folder:
        device = Device()
        process, port = start_server(f"{folder}/server")
        url = f"http://127.0.0.1:{port}"
        watcher = None
        try:
            make_certificate(folder)
            serve_tls(folder, port)
            watcher = Watcher(folder, "device", f"https://{SERVER}:{TLS_PORT}", "--ca-file",
                              f"{folder}/certificate.pem", inside=device.inside)
            write(folder, url, "first")
            comes(watcher, "first", "over TLS, from another network")
            cable(folder, url, watcher)
            dead_lines(device, folder, url, watcher)
            write(folder, url, "last")
            comes(watcher, "last", "in the end")
            check("each once", len(watcher.printed) == len(set(watcher.printed)))
            check("ends in order", watcher.end() == 0)
        finally:
            if watcher:
                watcher.process.kill()
            process.kill()
            process.wait()
            device.end()
    report()


def main():
    if own_network.is_inside():
        return inside()
    reason = own_network.why_not("nsenter", "openssl")
    if reason:
        skip(reason)
    own_network.enter(__file__)


if __name__ == "__main__":
    main()
