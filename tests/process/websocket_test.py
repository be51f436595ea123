#!/usr/bin/python3
"""WebSocket with a client of another make: what is declined, refused and closed with which code."""

import asyncio
import signal
import socket
import struct
import time

from checks import check, report, skip
from server_process import running_server

try:
    import websockets
except ImportError:
    skip("python3-websockets is not installed")


async def refusal_of(url, **how):
    try:
        async with websockets.connect(url, **how):
            return 101
    except websockets.exceptions.InvalidStatusCode as refused:
        return refused.status_code


async def closed_with(connection):
    try:
        while True:
            await asyncio.wait_for(connection.recv(), 20)
    except websockets.exceptions.ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def frame(opcode, payload):
    size = len(payload)
    head = bytes([0x80 | opcode])
    head += bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + struct.pack(">H", size)
    return head + bytes(4) + payload  # A mask of zeros.


def vanish(server, port, messages):
    """Reads nothing, pings and resets the connection while the server looks away: it finds that it
    cannot write before it reads the ping. Its pong then waited for ever, and the server with it."""
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.settimeout(2)
    peer.connect(("127.0.0.1", port))
    peer.sendall(b"GET /debug/echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                 b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    try:
        for _ in range(messages):
            peer.sendall(frame(2, bytes(60_000)))
        time.sleep(0.3)  # Until it has echoed what its buffers take; nobody can see that.
        server.send_signal(signal.SIGSTOP)
        peer.sendall(frame(9, b"are you there"))
    except OSError:
        pass  # It reads no more from somebody who reads nothing.
    peer.close()  # With bytes unread: a reset.
    server.send_signal(signal.SIGCONT)


async def talk_to(server, port):
    url = f"ws://127.0.0.1:{port}"
    async with websockets.connect(url + "/debug/echo", max_size=None) as echo:
        check("permessage-deflate is declined", not echo.extensions)
        for message in ["", "a", "ü" * 1000, b"\x00\xff", "x" * 70_000, b"y" * 5_000_000]:
            await echo.send(message)
            check("a message comes back", await echo.recv() == message)
        for number in range(500):  # Nobody reads meanwhile, so that both sides have to wait.
            await echo.send(str(number) * 1000)
        back = [await echo.recv() for _ in range(500)]
        check("messages keep their order", back == [str(n) * 1000 for n in range(500)])
        await asyncio.wait_for(await echo.ping(), 10)
    check("a normal end is answered", echo.close_code == 1000)
    check("an unknown route", await refusal_of(url + "/nowhere") == 404)
    check("a foreign page", await refusal_of(url + "/debug/echo", origin="http://evil.org") == 403)
    for messages in range(46, 58):
        vanish(server, port, messages)
    async with websockets.connect(url + "/debug/echo", max_size=None) as echo:
        server.terminate()
        check("a server that goes says so", await closed_with(echo) == 1001)
    server.wait(20)
    check("and ends in order", server.returncode == 0)


def main():
    with running_server("--debug-echo") as (server, port):
        asyncio.run(asyncio.wait_for(talk_to(server, port), 120))
    report()


main()
