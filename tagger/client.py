"""The HTTP client of a tagger's API: ours and its predecessors', in either dialect.

Standard library alone. A Client holds an address and no connection, so any thread may use it.
"""

from __future__ import annotations

import base64
import io
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import PurePath
from typing import cast
from urllib.parse import urlsplit

from PIL import Image

from .dialects import read_answer
from .errors import ImageError, TaggerError, UsageError
from .paths import cause_of, openable

LARGEST = 64 << 20
"""Bytes of an answer that are read; one of 100,000 tags takes under 5 MB."""
_PNG_MODES = ("1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA")


@dataclass(frozen=True)
class Interrogated:
    """What a server says of one picture: name to score, 0 to 1, and the model asked for."""

    tags: Mapping[str, float]
    ratings: Mapping[str, float]
    model: str | None = None


@dataclass(frozen=True)
class Client:
    """A server at `url`, such as "http://127.0.0.1:7860".

    auth: user and password for HTTP Basic. timeout: seconds without an answer.
    """

    url: str
    auth: tuple[str, str] | None = field(default=None, repr=False)
    timeout: float = 120.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise UsageError(
                "url: expected an address such as http://127.0.0.1:7860, user and password apart"
            )

    def interrogate(
        self,
        image: str | PurePath | bytes | Image.Image,
        model: str | None = None,
        threshold: float | None = None,
    ) -> Interrogated:
        """Send one picture: a file, a file's bytes, or an opened image; what is None is left out.

        Raises:
            ImageError: the file can't be read.
            TaggerError: the server can't be reached, refuses, or is no tagger.
        """
        settings = {"model": model, "threshold": threshold}
        given = {name: value for name, value in settings.items() if value is not None}
        body = {"image": base64.b64encode(_bytes(image)).decode("ascii"), **given}
        tags, ratings = read_answer(self._ask("POST", "interrogate", body))
        return Interrogated(tags, ratings, model)

    def models(self) -> tuple[str, ...]:
        """The models that the server lists; raises TaggerError as `interrogate` does."""
        answer = self._ask("GET", "interrogators")
        names = cast("dict[str, object]", answer).get("models") if isinstance(answer, dict) else 0
        if not isinstance(names, list):
            raise TaggerError(f"{self.url}: expected a list of models, got {str(answer)[:60]!r}")
        return tuple(str(name) for name in cast("list[object]", names))

    def unload(self) -> str:
        """Free the memory of the server's models; give its answer, a sentence.

        Raises TaggerError as `interrogate` does, also where the server has no such route.
        """
        return str(self._ask("POST", "unload-interrogators", {}))

    def _ask(self, method: str, route: str, body: Mapping[str, object] | None = None) -> object:
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.url.rstrip('/')}/tagger/v1/{route}"
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        request = urllib.request.Request(url, data, headers, method=method)
        if self.auth:
            pair = base64.b64encode(":".join(self.auth).encode()).decode("ascii")
            request.add_unredirected_header("Authorization", f"Basic {pair}")
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                return cast("object", json.loads(answer.read(LARGEST)))
        except urllib.error.HTTPError as error:
            with error:
                raise TaggerError(f"{self.url}: {_refusal(error)}") from None
        except (OSError, HTTPException) as error:
            raise TaggerError(f"{self.url}: {_silence(error, self.timeout)}") from error
        except (ValueError, RecursionError) as error:
            raise TaggerError(
                f"{url}: expected whole JSON, got other text: is a tagger there?"
            ) from error


def _bytes(image: str | PurePath | bytes | Image.Image) -> bytes:
    """The picture as a file's bytes; an opened image becomes PNG, transparency and all."""
    if isinstance(image, bytes):
        return image
    if isinstance(image, Image.Image):
        if image.mode not in _PNG_MODES:
            image = image.convert({"La": "LA", "RGBa": "RGBA"}.get(image.mode, "RGB"))
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        return buffer.getvalue()
    try:
        return openable(image).read_bytes()
    except OSError as error:
        raise ImageError(str(image), cause_of(error)) from error


def _refusal(error: urllib.error.HTTPError) -> str:
    """The status, and what the server itself says: FastAPI's `detail`, text or a list."""
    try:
        said = json.loads(error.read(1 << 20))["detail"]
    except (OSError, HTTPException, ValueError, KeyError, TypeError, RecursionError):
        said = error.reason
    text = " ".join((said if isinstance(said, str) else json.dumps(said)).split())[:200]
    advice = {401: ": give its user and password", 403: ": give its user and password"}
    return f"expected an answer, got {error.code} ({text}){advice.get(error.code, '')}"


def _silence(error: Exception, timeout: float) -> str:
    cause = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError):
        return f"expected an answer within {timeout:g} seconds, got none"
    what = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return f"expected a tagger's answer, got {what}: is it running, and is the address right?"
