"""A tagger behind HTTP as a contestant: asked for every score, in whatever dialect it answers.

Nothing it says is trusted: an answer has a size, a time and a shape.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from ...client import Client
from ...errors import ImageError, ModelError, TaggerError
from ...models.registry import default_registry
from ...selection import Thresholds
from ..alignment import rating_name
from ..answers import Said
from ..truth import Picture
from .contestant import About
from .deadline import LateError, within

TRIES = 3
"""How often a picture is asked about before it counts as failed; once, where the time is over."""
IN_A_ROW = 3
"""Pictures that fail one after another, after which the server is given up."""
MOST_TAGS = 500_000
LONGEST_NAME = 500


class ServerContestant:
    """Asks `POST /tagger/v1/interrogate` at threshold 0; after a # comes the model asked for."""

    def __init__(
        self,
        name: str,
        url: str,
        timeout: float = 120.0,
        auth: tuple[str, str] | None = None,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        """Ask nothing yet. Raises UsageError if it is no address."""
        address, _, model = url.partition("#")
        self._client = Client(address, auth, timeout)
        self._timeout, self._wait = timeout, wait
        self._model = model or None
        self.about = About(
            name=name or model or address.partition("//")[2].rstrip("/"),
            source=url,
            kind="server",
            thresholds=_thresholds(model),
            identity=url,
        )

    def open(self, alone: bool = False) -> None:
        """Nothing is loaded here; whether it answers is told by the first picture."""

    def one(self, picture: Picture) -> Said:
        """Ask about one picture, again where it fails; TaggerError when it fails for good."""
        for attempt in range(TRIES):
            try:
                return self._ask(picture.path)
            except ImageError as error:
                return Said(fault=error.cause)
            except TaggerError as error:
                if attempt + 1 == TRIES or isinstance(error.__cause__, (LateError, TimeoutError)):
                    raise
                self._wait(0.5 * 2**attempt)
        raise AssertionError("unreachable")

    def many(self, pictures: Sequence[Picture]) -> Iterator[Said]:
        """Ask about one after another; raises TaggerError once it fails several times in a row."""
        failed = 0
        for picture in pictures:
            try:
                said, failed = self.one(picture), 0
            except TaggerError as error:
                said, failed = Said(fault=str(error)), failed + 1
                if failed == IN_A_ROW:
                    raise
            yield said

    def close(self) -> None:
        """Nothing was taken."""

    def _ask(self, path: Path) -> Said:
        try:
            answer = within(self._timeout, lambda: self._client.interrogate(path, self._model, 0.0))
        except ImageError:
            raise
        except TaggerError as error:
            if self._client.url in str(error):
                raise
            raise TaggerError(f"{self._client.url}: {error}") from error
        except LateError as error:
            raise TaggerError(
                f"{self._client.url}: expected an answer within {self._timeout:g} seconds, got none"
            ) from error
        tags = _checked(self._client.url, answer.tags)
        ratings = _checked(self._client.url, answer.ratings)
        return Said(tags, {rating_name(name): score for name, score in ratings.items()})


def _checked(url: str, said: Mapping[str, float]) -> dict[str, float]:
    """Scores as they must be. Raises TaggerError where they are something else."""
    if len(said) > MOST_TAGS:
        raise TaggerError(f"{url}: expected tags of a picture, got {len(said):,} of them")
    for name, score in said.items():
        if not -1e-6 <= score <= 1 + 1e-6:
            raise TaggerError(
                f"{url}: expected scores from 0 to 1, got {score:g} for {name[:60]!r}"
            )
        if len(name) > LONGEST_NAME:
            raise TaggerError(f"{url}: expected names of tags, got one of {len(name):,} letters")
    return {name: min(1.0, max(0.0, score)) for name, score in said.items()}


def _thresholds(model: str) -> Thresholds | None:
    """The author's, where the model asked for is a published one."""
    try:
        return default_registry().find(model).spec.thresholds if model else None
    except ModelError:
        return None
