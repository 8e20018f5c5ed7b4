"""A polite way to ask a site: one request at a time, no faster than agreed, waiting as told."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from urllib.parse import urlsplit

from .. import __version__
from ..errors import DownloadError

TIMEOUT_S = 30.0
TRIES = 6
"""Times that one thing is asked for, as long as nothing of it arrives."""
LONGEST_WAIT_S = 600.0
"""A site that asks for a longer wait is not waited for."""
LARGEST_PAGE = 64 << 20
"""Bytes of a page of posts."""
PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Answers that may be others in a moment."""


class PassingError(Exception):
    """Something that may be better in a moment; wait: the seconds that the site asks for."""

    def __init__(self, cause: str, wait: float | None = None) -> None:
        super().__init__(cause)
        self.wait = wait


def user_agent(name: str = "anonymous") -> str:
    """Who asks, as a site wants to know it."""
    return f"sd-webui-tagger/{__version__} (by {name})"


class Asker:
    """Asks one site, at most `rate` times a second, over all that is asked through it."""

    def __init__(
        self,
        rate: float,
        credentials: tuple[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pause_s = 1 / rate
        self._credentials = credentials
        self._sleep, self._clock = sleep, clock
        self._last = -self._pause_s

    def json(self, url: str) -> object:
        """A page of JSON. Raises DownloadError where the site refuses, or after all tries."""
        return self.patiently(lambda: self._json(url))

    def patiently(self, ask: Callable[[], object], here: Callable[[], int] = lambda: 0) -> object:
        """What `ask` gives, asked again after passing faults as long as more arrives or tries last.

        `here` tells how many bytes have arrived so far.
        """
        failed, before = 0, here()
        while True:
            try:
                return ask()
            except PassingError as error:
                failed = 1 if here() > before else failed + 1
                before = here()
                if failed >= TRIES or (error.wait or 0) > LONGEST_WAIT_S:
                    raise DownloadError(
                        f"{error}: run it again later, it goes on from there"
                    ) from error
                self._sleep(2.0**failed if error.wait is None else error.wait)

    def open(self, url: str, start: int = 0) -> HTTPResponse:
        """The answer to one request, from a byte on; the caller closes it.

        Raises:
            PassingError: a cut, a time-out, 429, 5xx: worth another try.
            DownloadError: anything that another try would not change.
        """
        self._wait_for_turn()
        request = urllib.request.Request(url)
        name = self._credentials[0] if self._credentials else "anonymous"
        request.add_header("User-Agent", user_agent(name))
        if self._credentials:
            token = base64.b64encode(":".join(self._credentials).encode()).decode()
            request.add_unredirected_header("Authorization", f"Basic {token}")
        if start:
            request.add_header("Range", f"bytes={start}-")
        if urlsplit(url).scheme not in ("http", "https"):
            raise DownloadError(f"expected an address of http or https, got {url}")
        try:
            return urllib.request.urlopen(request, timeout=TIMEOUT_S)
        except urllib.error.HTTPError as answer:
            answer.close()
            raise _refusal(url, answer) from None
        except (OSError, HTTPException) as error:
            raise PassingError(
                f"the connection to {urlsplit(url).netloc} broke: {error}"
            ) from error

    def _json(self, url: str) -> object:
        try:
            with self.open(url) as answer:
                text = answer.read(LARGEST_PAGE + 1)
            if len(text) > LARGEST_PAGE:
                raise DownloadError(f"{url}: expected at most {LARGEST_PAGE} bytes, got more")
            return json.loads(text)
        except (OSError, HTTPException, ValueError) as error:
            raise PassingError(f"{url}: expected a page of JSON, got {error!r}") from error

    def _wait_for_turn(self) -> None:
        due = self._last + self._pause_s - self._clock()
        if due > 0:
            self._sleep(due)
        self._last = self._clock()


def _refusal(url: str, answer: urllib.error.HTTPError) -> Exception:
    host = urlsplit(url).netloc
    if answer.code in PASSING:
        asked = answer.headers.get("Retry-After", "")
        wait = float(asked) if asked.isdigit() else None
        return PassingError(f"{host} answers {answer.code}", wait)
    if answer.code in (401, 403):
        return DownloadError(
            f"{host} refuses access ({answer.code}): the query needs an account, whose login and "
            "API key are set in the environment"
        )
    if answer.code in (410, 422):
        return DownloadError(
            f"{host} refuses the query ({answer.code}): it has too many tags for this account: ask "
            "for fewer, and name the others to `dataset build --required-tags`"
        )
    return DownloadError(f"{host} answers {answer.code} to {url}")
