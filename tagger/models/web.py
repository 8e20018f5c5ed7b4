"""One HTTP request to the hub, and every refusal as one sentence.

The standard library alone: huggingface_hub changed its HTTP client twice between 0.25 and 2.x,
retries inside itself for minutes, and shows progress on a terminal; here a caller needs bytes
counted, a cut resumed, and an answer such as 429 told to a person.
"""

from __future__ import annotations

import datetime
import email.utils
import functools
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from http.client import HTTPException, HTTPResponse
from typing import IO, cast
from urllib.parse import urlsplit

from .. import __version__
from ..errors import DownloadError
from . import hub

TIMEOUT_S = 30.0
"""Seconds without a byte after which a connection counts as cut."""
SHORT_WAIT_S = 60.0
"""A hub that asks for a longer wait is not waited for."""


class PassingError(Exception):
    """Something that may be better in a moment.

    wait: the seconds that the server asks for. anew: what is here of the file is of no use.
    """

    def __init__(self, cause: str, wait: float | None = None, anew: bool = False) -> None:
        super().__init__(cause)
        self.wait = wait
        self.anew = anew


class AbsentError(DownloadError):
    """The repository has no file of that name."""


def open_url(
    url: str, method: str = "GET", headers: Mapping[str, str] | None = None
) -> HTTPResponse:
    """Open an address of the hub and give the response, to be closed by the caller.

    The user's token goes to the hub's own host and is dropped where it redirects elsewhere. HEAD
    ends at such a redirect, since its headers are the hub's and those behind it are not.

    Raises:
        PassingError: a cut, a time-out, 429, 5xx: worth another try.
        DownloadError: anything that another try would not change.
    """
    request = urllib.request.Request(url, method=method, headers=dict(headers or {}))
    request.add_header("User-Agent", f"sd-webui-tagger/{__version__}")
    _authorise(request)
    try:
        return _opener().open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as answer:
        if method == "HEAD" and 300 <= answer.code < 400:
            return cast("HTTPResponse", answer)  # the same attributes
        answer.close()
        raise _refusal(answer) from None
    except urllib.error.URLError as error:
        raise _unreachable(url, error.reason) from error
    except (OSError, HTTPException) as error:
        raise PassingError(f"the connection to {_host(url)} broke: {error!r}") from error


def _unreachable(url: str, reason: object) -> Exception:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return DownloadError(
            f"expected a trusted certificate from {_host(url)}, got {reason.verify_message}: "
            f"set SSL_CERT_FILE to your authorities' file"
        )
    return PassingError(
        f"{_host(url)} can't be reached ({reason}): check the network, or set HF_ENDPOINT to a "
        f"mirror"
    )


def _refusal(answer: urllib.error.HTTPError) -> Exception:
    """The hub's answer as an error; its own code tells gated and private from absent."""
    code = answer.headers.get("X-Error-Code", "")
    if answer.code == 429:
        wait = _seconds(answer.headers.get("Retry-After"))
        asked = "" if wait is None else f" and asks for {wait:,.0f} seconds"
        cause = f"the hub has too many requests (429){asked}: try again later, or set HF_TOKEN"
        return DownloadError(cause) if (wait or 0) > SHORT_WAIT_S else PassingError(cause, wait)
    if answer.code >= 500 or answer.code == 408:
        return PassingError(f"the hub answers {answer.code}: try again later")
    if code == "GatedRepo":
        return DownloadError(
            "the author asks for the licence to be accepted: accept it on the model's page, then "
            "set HF_TOKEN to your access token"
        )
    if answer.code in (401, 403):
        return DownloadError(
            f"the hub refuses access ({answer.code}): the repository is private or gone, or "
            f"HF_TOKEN is not valid: set HF_TOKEN to a valid access token, or unset it"
        )
    if answer.code == 404:
        return AbsentError("the hub has no such file (404): it was moved or removed")
    if answer.code == 416:
        return PassingError("the hub has no such part of the file", anew=True)
    return DownloadError(f"the hub answers {answer.code} {answer.reason}")


def _seconds(value: str | None) -> float | None:
    """Retry-After, as seconds or as a date, in seconds from now."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    now = datetime.datetime.now(moment.tzinfo)
    return max(0.0, (moment - now).total_seconds())


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Keep the method, drop the token where the host changes, never leave https."""

    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302  # not in Python 3.10

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        method = req.get_method()
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        if after.scheme not in ("http", "https") or (before.scheme, after.scheme) == (
            "https",
            "http",
        ):
            raise DownloadError(f"the hub redirects from {before.scheme} to {after.scheme}")
        if method == "HEAD" and before.netloc != after.netloc:
            return None
        kept = {k: v for k, v in req.headers.items() if k.lower() != "authorization"}
        following = urllib.request.Request(newurl, method=method, headers=kept)
        _authorise(following)
        return following


def _authorise(request: urllib.request.Request) -> None:
    token = hub.token()
    if token and urlsplit(request.full_url).netloc == urlsplit(hub.endpoint()).netloc:
        request.add_unredirected_header("Authorization", f"Bearer {token}")


@functools.cache
def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(
        _Redirects, urllib.request.HTTPSHandler(context=_certificates())
    )


def _certificates() -> ssl.SSLContext:
    """The system's authorities, and certifi's where installed: some Pythons come with none."""
    context = ssl.create_default_context()
    try:
        import certifi
    except ImportError:
        return context
    context.load_verify_locations(certifi.where())
    return context


def _host(url: str) -> str:
    return urlsplit(url).netloc or url
