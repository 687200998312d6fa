"""A browser without a window, told what to do by Chrome's DevTools protocol: JSON through a pair of pipes, each message ended by a zero byte."""

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import time
from pathlib import Path

import pytest

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 30.0  # that anything may take


def installed_browser():
    """The path of the first browser on PATH, or None; also on Windows, where it would have to be started in another way."""
    if os.name == "nt":
        return None
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextlib.contextmanager
def running_browser(folder, what):
    """A browser whose profile is in a folder. Without one installed the tests of `what` are skipped, and fail in CI, where .ci/run installs one."""
    path = installed_browser()
    if path is None:
        end = pytest.fail if os.environ.get("CI") else pytest.skip
        end(f"no browser for {what}: install Chromium (apt install chromium) or Chrome; looked for {', '.join(NAMES)}")
    browser = Browser(path, folder)
    try:
        yield browser
    finally:
        browser.close()


class Browser:
    """A page in a browser of its own, with what the page complains of and what it asks the network for."""

    def __init__(self, path, folder):
        options = ["--headless", "--remote-debugging-pipe", f"--user-data-dir={folder}", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars"]
        if os.geteuid() == 0:
            options.append("--no-sandbox")  # which the administrator cannot have
        theirs_in, self._out = _pipe()
        self._in, theirs_out = _pipe()
        quiet = os.open(os.devnull, os.O_WRONLY)
        actions = [(os.POSIX_SPAWN_DUP2, quiet, 2), (os.POSIX_SPAWN_DUP2, theirs_in, 3), (os.POSIX_SPAWN_DUP2, theirs_out, 4)]
        self._process = os.posix_spawn(path, [path, *options], os.environ, file_actions=actions, setsid=True)
        for theirs in (theirs_in, theirs_out, quiet):
            os.close(theirs)
        self._bytes, self._count, self._session = b"", 0, None
        self.complaints, self.requests = [], []
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(f"{domain}.enable")
        except Exception:
            self.close()
            raise

    def call(self, method, **parameters):
        """Call a method of the protocol; returns its result."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters} | ({"sessionId": self._session} if self._session else {})
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            for answer in self._messages(0.1):
                if answer.get("id") == self._count:
                    assert "error" not in answer, answer
                    return answer["result"]
        raise TimeoutError(f"the browser does not answer to {method}")

    def open(self, url):
        self.call("Page.navigate", url=url)

    def value(self, expression):
        """The value of an expression of JavaScript in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait(self, expression):
        """Wait until an expression is true; it may fail while the page is not there yet."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(AssertionError):
                if value := self.value(expression):
                    return value
            time.sleep(0.05)
        raise TimeoutError(f"never true: {expression}; the page complains of {self.complaints}")

    def screenshot(self, path, width, height=None, dark=False):
        """A PNG of the whole page at a width in pixels."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height or 900, deviceScaleFactor=1, mobile=False)
        if height is None:
            height = self.value("document.documentElement.scrollHeight")
            self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        time.sleep(0.3)
        Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def close(self):
        """End the browser and all its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._in)
        os.close(self._out)

    def _messages(self, seconds):
        """What has come within some seconds."""
        if select.select([self._in], [], [], seconds)[0]:
            self._bytes += os.read(self._in, 1 << 20)
        *whole, self._bytes = self._bytes.split(b"\0")
        messages = [json.loads(text) for text in whole]
        for message in messages:
            self._note(message.get("method"), message.get("params"))
        return messages

    def _note(self, method, parameters):
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(parameters["exceptionDetails"].get("exception", {}).get("description", "an exception"))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(parameters["args"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.complaints.append(parameters["entry"]["text"])


def _pipe():
    """The ends of a pipe, for reading and for writing, with numbers above those that the browser wants: 3 and 4."""
    import fcntl  # which Windows does not have

    ends = []
    for end in os.pipe():
        ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10))
        os.close(end)
    return ends
