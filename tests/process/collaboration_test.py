#!/usr/bin/python3
"""Ten people type in one text over real sockets: eight with our runtime, a process each, one with
a JSON client of another make, one with a plain one. Lines break off and say things twice, a client
comes back to a log that was trimmed meanwhile, one is killed while he types, and so is the server.

SYNCLINE_COLLABORATION_SEEDS rounds (2), from SYNCLINE_COLLABORATION_FIRST (1)."""

import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import urllib.request

from checks import check, report, skip
from server_process import BUILD, start_server

try:
    import websockets  # noqa: F401 - of the typists
except ImportError:
    skip("python3-websockets is not installed")

from frame_proxy import FrameProxy
from text_typist import PlainTypist, Typist

NEVER_S = 90
OURS = 8
FIRST_CODE = 0xF0000
EACH_HAS = 4096
RESYNC = 7 << 3 | 2  # the tag of DocumentFrame.resync
DOCUMENT = "minutes/of%20the%20meeting"
BASE = "The meeting began at nine. Those who were late said why. Nobody left early. " * 12


class Collaborator:
    """A collaborator_program, and what must have become of his characters by what it says."""

    def __init__(self, folder, number, port, seed):
        self.folder, self.number, self.port, self.seed = folder, number, port, seed
        self.own = {}
        self.open = {}  # what he is about to do
        self.used = 0
        self.carets = {}
        self.faults = []
        self.process = self.task = None
        self.heard = asyncio.Queue()

    async def begin(self):
        self.process = await asyncio.create_subprocess_exec(
            BUILD / "bin" / "collaborator_program", f"{self.folder}/{self.number}",
            f"http://127.0.0.1:{self.port}", DOCUMENT.replace("%20", " "), str(self.number),
            str(self.used), str(self.seed), stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, limit=1 << 24)
        self.task = asyncio.create_task(self.read(self.process.stdout))
        await self.hears("ready")

    async def read(self, lines):
        async for line in lines:
            said = json.loads(line)
            if "will" in said or "did" in said:
                self.plan(said)
            elif "carets" in said:
                self.carets = said["carets"]
            elif "fault" in said:
                self.faults.append(said["fault"])
            else:
                self.heard.put_nowait(said)
        self.heard.put_nowait({"ended": True})

    def plan(self, said):
        changes = dict.fromkeys(said["removed"], "gone")
        changes.update(dict.fromkeys(said["added"], "there"))
        self.used = max([self.used] + [1 + code - FIRST_CODE - EACH_HAS * self.number
                                       for code in said["added"]])
        if "did" in said:
            self.own.update(changes)
            self.open = {}
        else:
            self.open = changes

    async def hears(self, word):
        said = await asyncio.wait_for(self.heard.get(), NEVER_S)
        if word not in said:
            raise AssertionError(f"{self.number} said {said}, not {word}; {self.faults}")
        return said[word]

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")

    async def obeys(self, line, word):
        self.say(line)
        return await self.hears(word)

    async def dies(self):
        self.process.kill()
        await self.process.wait()
        await self.task
        self.heard = asyncio.Queue()
        self.own.update(dict.fromkeys(self.open, "unknown"))
        self.open = {}

    async def end(self):
        if self.process.returncode is None:
            self.process.stdin.close()
            try:
                await asyncio.wait_for(self.process.wait(), NEVER_S)
            except asyncio.TimeoutError:
                self.process.kill()
        await self.task


class Meeting:
    def __init__(self, folder, seed):
        self.folder, self.seed = folder, seed
        self.random = random.Random(seed)
        self.server, self.port = start_server(f"{folder}/server", 0, "--text-log", "200")
        self.proxy = FrameProxy(self.port, random.Random(seed + 1))
        self.ours = []
        self.joined = self.plain = None

    def get(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/document/{DOCUMENT}",
                                    timeout=NEVER_S) as reply:
            return json.loads(reply.read())

    async def begin(self):
        await self.proxy.begin()
        path = f"/document/{DOCUMENT}"
        self.joined = Typist(f"ws://127.0.0.1:{self.proxy.port}{path}", "of another make",
                             FIRST_CODE + EACH_HAS * OURS, random.Random(self.seed + 2))
        # What says a thing twice is not for him who cannot name it.
        self.plain = PlainTypist(f"ws://127.0.0.1:{self.port}{path}", "plain",
                                 FIRST_CODE + EACH_HAS * (OURS + 1), random.Random(self.seed + 3))
        self.plain.begin()
        await self.plain.is_idle()
        self.plain.pending = [("insert", BASE)]
        await self.plain.send_pending()
        await self.plain.is_idle()
        self.joined.begin()
        self.ours = [Collaborator(self.folder, number, self.proxy.port, self.seed * 100 + number)
                     for number in range(OURS)]
        await asyncio.gather(*(each.begin() for each in self.ours))
        await asyncio.gather(*(each.obeys("settle", "settled") for each in self.ours))

    def others(self):
        return [self.joined.types(12), self.plain.types(12)]

    async def all_type(self):
        await asyncio.gather(*(each.obeys("type 30", "typed") for each in self.ours),
                             *self.others())

    async def one_is_away_while_the_log_is_trimmed(self):
        away = self.ours[0]
        await away.obeys("settle", "settled")
        await away.obeys("pause", "paused")
        begin = self.get()["revision"]
        typing = asyncio.create_task(away.obeys("type 40", "typed"))
        while self.get()["revision"] < begin + 600:
            await asyncio.gather(*(each.obeys("type 20", "typed") for each in self.ours[1:]),
                                 *self.others())
        await typing
        before = self.proxy.first_bytes.get(RESYNC, 0)
        await away.obeys("resume", "resumed")
        await away.obeys("settle", "settled")
        check("he who was away got the text anew", self.proxy.first_bytes[RESYNC] > before)

    async def the_server_is_killed(self):
        typing = asyncio.gather(self.all_type())
        await asyncio.sleep(self.random.uniform(0.01, 0.1))
        self.server.kill()
        self.server.wait()
        await asyncio.sleep(self.random.uniform(0, 0.3))
        self.server, _ = start_server(f"{self.folder}/server", self.port, "--text-log", "200")
        await typing

    async def a_client_is_killed(self):
        victim = self.ours[1]
        typing = asyncio.gather(*(each.obeys("type 30", "typed") for each in self.ours[2:]),
                                *self.others())
        victim.say("write 1000")
        await asyncio.sleep(self.random.uniform(0.01, 0.2))
        await victim.dies()
        await victim.begin()
        await typing

    async def lines_break(self):
        typing = asyncio.gather(self.all_type())
        for _ in range(3):
            await asyncio.sleep(self.random.uniform(0.01, 0.1))
            await self.random.choice([self.joined, self.plain]).drop()
        await typing

    async def compare(self):
        await asyncio.gather(*(each.obeys("settle", "settled") for each in self.ours),
                             self.joined.is_idle(), self.plain.is_idle())
        # Once more, now that nobody types: what the last of them sent has to reach all.
        await asyncio.gather(*(each.obeys("settle", "settled") for each in self.ours))
        text = self.get()["text"]
        for each in self.ours:
            shown = await each.obeys("show", "text")
            check(f"{each.number} shows the server's text", shown == text)
            check(f"no fault of {each.number}: {each.faults}", not each.faults)
        for each in (self.joined, self.plain):
            await asyncio.wait_for(each.reads(text), NEVER_S)
            check(f"no fault of {each.name}: {each.faults}", not each.faults)
        self.compare_characters(text)

    def compare_characters(self, text):
        counts = {}
        for character in text:
            counts[ord(character)] = counts.get(ord(character), 0) + 1
        rest = "".join(character for character in text if ord(character) < FIRST_CODE)
        check("what nobody touched is as it was", rest == BASE)
        known = {}
        for each in (*self.ours, self.joined, self.plain):
            known.update(each.own)
        for code, state in known.items():
            count = counts.pop(code, 0)
            check(f"U+{code:X} is {state}, and there {count} times",
                  count == {"there": 1, "gone": 0}.get(state, min(count, 1)))
        check("nothing else is there", all(code < FIRST_CODE for code in counts))

    async def carets(self):
        pointed = {}
        for each in self.ours:
            pointed[f"editor {each.number}"] = await each.obeys("point", "pointed")
        for each in self.ours:
            others = {name: code for name, code in pointed.items()
                      if name != f"editor {each.number}"}

            async def sees_them(each=each, others=others):
                while {**each.carets, **others} != each.carets:
                    await asyncio.sleep(0.01)

            try:
                await asyncio.wait_for(sees_them(), NEVER_S)
            except asyncio.TimeoutError:
                raise AssertionError(f"{each.number} sees {each.carets}, not {others}") from None
            check("each caret of the others is on its character", True)

    async def end(self):
        with contextlib.suppress(AttributeError):
            await asyncio.gather(self.joined.end(), self.plain.end())
        await asyncio.gather(*(each.end() for each in self.ours), return_exceptions=True)
        await self.proxy.end()
        self.server.kill()
        self.server.wait()


async def hold_a_meeting(seed):
    with tempfile.TemporaryDirectory() as folder:
        meeting = Meeting(folder, seed)
        try:
            await meeting.begin()
            await meeting.all_type()
            await meeting.lines_break()
            await meeting.one_is_away_while_the_log_is_trimmed()
            await meeting.the_server_is_killed()
            await meeting.a_client_is_killed()
            await meeting.compare()
            await meeting.carets()
            counts = meeting.proxy.counts
            revision = meeting.get()["revision"]
            print(f"seed {seed}: {revision} revisions, {counts['doubled']} frames doubled, "
                  f"{counts['cut']} lines broken, {meeting.proxy.first_bytes.get(RESYNC)} resyncs",
                  file=sys.stderr)
        finally:
            await meeting.end()


def main():
    first = int(os.environ.get("SYNCLINE_COLLABORATION_FIRST", "1"))
    count = int(os.environ.get("SYNCLINE_COLLABORATION_SEEDS", "2"))
    for seed in range(first, first + count):
        try:
            asyncio.run(hold_a_meeting(seed))
        except BaseException:
            print(f"seed {seed} failed", file=sys.stderr)
            raise
    report()


if __name__ == "__main__":
    main()
