"""A headless Chromium for tests, led over its DevTools protocol. It speaks to loopback only."""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from checks import skip

try:
    import websockets
except ImportError:
    skip("python3-websockets is not installed")
if not shutil.which("chromium"):
    skip("chromium is not installed")

ANSWER_S = 60  # The longest that Chromium may take for anything.
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--mute-audio", "--hide-scrollbars",
    "--lang=en", "--force-device-scale-factor=1", "--no-first-run", "--no-default-browser-check",
    "--disable-extensions", "--disable-default-apps", "--disable-crash-reporter",
    # Nothing but what a test asks for, and to no other machine.
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-domain-reliability", "--disable-client-side-phishing-detection", "--no-pings",
    "--disable-features=OptimizationHints,MediaRouter,Translate,NetworkTimeServiceQuerying",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    # A tab behind another one is as quick as the one in front.
    "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding", "--remote-debugging-port=0"]
KEY_CODES = {"Backspace": 8, "Tab": 9, "Enter": 13, "Escape": 27, "End": 35, "Home": 36,
             "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Delete": 46}
MODIFIERS = {"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}


class PageError(Exception):
    """What a page threw, or what Chromium would not do."""


class Chromium:
    """A running browser, and its pages. Use `running_chromium`."""

    def __init__(self, url):
        self.loop = asyncio.new_event_loop()
        self.connection = self.wait(connected(url))
        self.calls = 0
        self.answers = {}
        self.pages = {}  # by DevTools session

    def page(self):
        """A new tab, of the same profile as the others. It has a window of its own, as Chromium
        draws no tab that is behind another one."""
        target = self.call("Target.createTarget", url="about:blank", newWindow=True)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.pages[session] = page = Page(self, target, session)
        page.begin()
        return page

    def call(self, method, session=None, seconds=ANSWER_S, **parameters):
        self.calls += 1
        message = {"id": self.calls, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        answer = self.wait(self.ask(message), seconds, method)
        if "error" in answer:
            raise PageError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def wait(self, what, seconds=ANSWER_S, name="its connection"):
        try:
            return self.loop.run_until_complete(asyncio.wait_for(what, seconds))
        except asyncio.TimeoutError:
            raise PageError(f"Chromium took more than {seconds} s for {name}") from None

    async def ask(self, message):
        await self.connection.send(json.dumps(message))
        await self.hear_until(lambda: message["id"] in self.answers)
        return self.answers.pop(message["id"])

    async def hear_until(self, holds):
        while not holds():
            message = json.loads(await self.connection.recv())
            if "id" in message:
                self.answers[message["id"]] = message
            elif page := self.pages.get(message.get("sessionId")):
                page.on_event(message["method"], message["params"])

    def end(self):
        """When the process has ended."""
        with contextlib.suppress(websockets.exceptions.ConnectionClosed):
            self.wait(self.connection.close())
        self.loop.close()


class Page:
    """A tab."""

    def __init__(self, browser, target, session):
        self.browser = browser
        self.target = target
        self.session = session
        self.loaded = set()  # documents, by their loaders
        self.said = []

    def begin(self):
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)  # Each one gets its keys.

    def call(self, method, seconds=ANSWER_S, **parameters):
        return self.browser.call(method, self.session, seconds, **parameters)

    def on_event(self, method, event):
        if method == "Page.lifecycleEvent" and event["name"] == "load":
            self.loaded.add(event["loaderId"])
        elif method == "Runtime.exceptionThrown":
            self.said.append(text_of(event["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "assert"):
            self.said.append(" ".join(str(each.get("value", each.get("description")))
                                      for each in event["args"]))
        elif method == "Log.entryAdded" and event["entry"]["level"] == "error":
            url = event["entry"].get("url", "")
            if not url.endswith("/favicon.ico"):  # The browser's own wish, not the page's.
                self.said.append(f"{event['entry']['text']} ({url})")
        elif method == "Inspector.targetCrashed":
            raise PageError("the page crashed")

    def errors(self):
        """The errors of its console so far, its failed requests and what it threw among them."""
        self.evaluate("0")  # What was said before the answer is heard before it.
        return self.said

    def open(self, url):
        """Returns when it is loaded."""
        answer = self.call("Page.navigate", url=url)
        if "errorText" in answer:
            raise PageError(f"{url}: {answer['errorText']}")
        if loader := answer.get("loaderId"):  # None: the same document, at another anchor
            self.browser.wait(self.browser.hear_until(lambda: loader in self.loaded), name=url)

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
        del self.browser.pages[self.session]

    def evaluate(self, expression, seconds=ANSWER_S):
        """Its value, which JSON can hold; if it is a promise, what comes of it."""
        answer = self.call("Runtime.evaluate", seconds, expression=expression, awaitPromise=True,
                           returnByValue=True, userGesture=True)
        if "exceptionDetails" in answer:
            raise PageError(text_of(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait_until(self, condition, seconds=30):
        """Until a JavaScript expression, or what it promises, is true. Gives its value."""
        why = json.dumps(f"not within {seconds} s: {condition}")
        return self.evaluate(f"""new Promise((done, failed) => {{
            const end = performance.now() + {seconds * 1000};
            const look = async () => {{
                const value = await ({condition});
                if (value) done(value);
                else if (performance.now() > end) failed(new Error({why}));
                else setTimeout(() => look().catch(failed), 10);
            }};
            look().catch(failed);
        }})""", seconds + ANSWER_S)

    def type(self, text):
        """Key by key; what no key has comes as from an input method."""
        for each in text:
            if each == "\n":
                self.press("Enter")
            elif " " <= each <= "~":
                self.press(each)
            else:
                self.call("Input.insertText", text=each)

    def press(self, keys):
        """A key as DOM names it, after its modifiers: `a`, `Enter`, `Control+Shift+z`."""
        *held, key = keys.split("+") if len(keys) > 1 else [keys]
        event = {"key": key, "modifiers": sum(MODIFIERS[each] for each in held)}
        if key.isalnum() and len(key) == 1:
            event |= {"windowsVirtualKeyCode": ord(key.upper()),
                      "code": ("Digit" if key.isdigit() else "Key") + key.upper()}
        elif len(key) > 1:
            event |= {"windowsVirtualKeyCode": KEY_CODES[key], "code": key}
        text = "\r" if key == "Enter" else key if len(key) == 1 and held in ([], ["Shift"]) else ""
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        self.call("Input.dispatchKeyEvent", **event, **down)
        self.call("Input.dispatchKeyEvent", **event, type="keyUp")

    def click(self, selector):
        """In the middle of the first element that the selector names."""
        self.click_at(*self.evaluate(f"""(selector => {{
            const element = document.querySelector(selector);
            if (!element) throw new Error("nothing is " + selector);
            element.scrollIntoView({{block: "center", behavior: "instant"}});
            const box = element.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})({json.dumps(selector)})"""))

    def click_at(self, x, y):
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def screenshot(self, path):
        """A PNG of what is in view."""
        Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def set_colors(self, scheme):
        """What it is told that its user likes: `light` or `dark`."""
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": scheme}])

    def set_viewport(self, width, height, is_mobile=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=is_mobile)

    def set_offline(self, is_offline=True):
        """New connections fail. An open EventSource stays, and an open WebSocket is only held up:
        what has to lose them goes through a `Line` of live_processes.py, which can be cut."""
        self.call("Network.emulateNetworkConditions", offline=is_offline, latency=0,
                  downloadThroughput=-1, uploadThroughput=-1)


async def connected(url):
    """Its pings are off, as nobody answers them between two calls."""
    return await websockets.connect(url, max_size=None, max_queue=None, ping_interval=None,
                                    compression=None)


def text_of(details):
    """Of Runtime.ExceptionDetails; a thrown value that is no Error has no description."""
    thrown = details.get("exception", {})
    return str(thrown.get("description", thrown.get("value", details["text"])))


def address_of(folder, process):
    """Where it takes commands. It says so in a file when it does."""
    file = Path(folder) / "DevToolsActivePort"
    end = time.monotonic() + ANSWER_S
    while not file.exists() or len(lines := file.read_text().split()) < 2:
        if process.poll() is not None or time.monotonic() > end:
            raise PageError(f"Chromium did not start (exit code {process.returncode})")
        time.sleep(0.02)
    return f"ws://127.0.0.1:{lines[0]}{lines[1]}"


@contextlib.contextmanager
def running_chromium():
    """Gives a Chromium that ends with the block, or with the test if that is killed."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "chromium", f"--user-data-dir={folder}", *FLAGS,
             "about:blank"], env={**os.environ, "HOME": folder}, process_group=0,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        browser = None
        try:
            browser = Chromium(address_of(folder, process))
            yield browser
        finally:
            with contextlib.suppress(ProcessLookupError):  # It may have died by itself.
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if browser:
                browser.end()
