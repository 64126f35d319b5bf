"""Debian's Chromium through its driver, by the WebDriver protocol: plain HTTP and JSON."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--disable-extensions",
    "--force-color-profile=srgb", "--hide-scrollbars",
)  # fmt: skip
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""the key by which the protocol names an element"""


class Browser:
    """One window with its own profile.

    Args:
        folder: for its profile and what it downloads.
        size: of the window.
    """

    def __init__(self, folder: Path, size: tuple[int, int] = (1200, 900)) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.downloads = folder / "downloads"
        self.downloads.mkdir(parents=True)
        self._driver = subprocess.Popen(
            [str(DRIVER), f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._root = f"http://127.0.0.1:{port}"
        until(lambda: self._ask("GET", "/status")["ready"], seconds=60, errors=(OSError,))
        options = {
            "binary": CHROMIUM,
            "args": [*FLAGS, f"--user-data-dir={folder / 'profile'}", f"--window-size={size[0]},{size[1]}"],
            "prefs": {"download.default_directory": str(self.downloads)},
        }
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
        self._session = ""
        self._session = f"/session/{self._ask('POST', '/session', wanted)['sessionId']}"

    def _ask(self, verb: str, path: str, body: Any = None) -> Any:
        data = None if verb != "POST" else json.dumps(body or {}).encode()
        asked = urllib.request.Request(
            self._root + path, data, {"Content-Type": "application/json"}, method=verb
        )
        try:
            with urllib.request.urlopen(asked, timeout=180) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(json.load(error)["value"]["message"]) from None

    def go(self, address: str) -> None:
        """Load a page."""
        self._ask("POST", f"{self._session}/url", {"url": address})

    def run(self, script: str, *given: Any) -> Any:
        """The value of a function body in the page."""
        return self._ask("POST", f"{self._session}/execute/sync", {"script": script, "args": list(given)})

    def send(self, selector: str, text: str) -> None:
        """Type into an element; into a field for files, their paths."""
        path = f"{self._session}/element"
        found = self._ask("POST", path, {"using": "css selector", "value": selector})[ELEMENT]
        self._ask("POST", f"{path}/{found}/value", {"text": text})

    def click(self, selector: str) -> None:
        """Click an element."""
        path = f"{self._session}/element"
        found = self._ask("POST", path, {"using": "css selector", "value": selector})[ELEMENT]
        self._ask("POST", f"{path}/{found}/click")

    def drag(self, selector: str, *places: tuple[int, int]) -> None:
        """Press at the first place of an element (from its middle), move over the others, and let go."""
        self.run("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", selector)
        found = self._ask("POST", f"{self._session}/element", {"using": "css selector", "value": selector})
        moves = [{"type": "pointerMove", "duration": 50, "origin": found, "x": x, "y": y} for x, y in places]
        steps = [
            moves[0],
            {"type": "pointerDown", "button": 0},
            *moves[1:],
            {"type": "pointerUp", "button": 0},
        ]
        action = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps}
        self._ask("POST", f"{self._session}/actions", {"actions": [action]})

    def slide(self, selector: str, value: float) -> None:
        """Set a slider, and tell the page."""
        self.run(
            "const s = document.querySelector(arguments[0]); s.value = arguments[1];"
            "s.dispatchEvent(new Event('input', {bubbles: true}))",
            selector,
            value,
        )

    def text(self, selector: str) -> str:
        """What an element says."""
        return str(self.run("return document.querySelector(arguments[0]).textContent", selector))

    def wait(self, script: str, *given: Any, seconds: float = 120) -> Any:
        """Wait until a function body in the page gives something true."""
        return until(lambda: self.run(script, *given), seconds=seconds)

    def shot(self, path: Path) -> None:
        """A picture of the window."""
        self.run("window.scrollTo(0, 0)")
        path.write_bytes(base64.b64decode(self._ask("GET", f"{self._session}/screenshot")))

    def close(self) -> None:
        """End the window and the driver."""
        try:
            if self._session:
                self._ask("DELETE", self._session)
        finally:
            self._driver.terminate()
            self._driver.wait(30)


def until(look: Any, *, seconds: float, errors: tuple[type[BaseException], ...] = ()) -> Any:
    """Call until something true comes back."""
    ends = time.monotonic() + seconds
    while True:
        try:
            found = look()
        except errors:
            found = None
        if found:
            return found
        assert time.monotonic() < ends, f"nothing came within {seconds} s"
        time.sleep(0.1)
