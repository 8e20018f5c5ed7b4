"""One picture that somebody waits for, through whatever queue its model has."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

from PIL import Image

from ..engine import Tagger
from ..errors import BackendError
from ..models.spec import Contract, Model
from ..pipeline import Pipeline, Priority
from ..scores import Scores

Picture = bytes | Path | Image.Image

_TRIES = 100
"""Loadings for one picture: more often than anybody presses Unload while it waits."""


class Desk(Protocol):
    """What a picture needs of the models' queues: `Scoring`."""

    def pipeline(self, name: str) -> tuple[Pipeline, Tagger]: ...
    def is_loaded(self, tagger: Tagger) -> bool: ...
    def later(self, begin: Callable[[], None]) -> None: ...
    def keep(self, model: Model, content: str, scores: Scores, contract: Contract) -> None: ...


class Asked:
    """One picture that somebody waits for, tried again where its model was unloaded meanwhile."""

    def __init__(
        self,
        desk: Desk,
        model: Model,
        picture: Picture,
        priority: Priority,
        content: str | None,
    ) -> None:
        self.future: Future[Scores] = Future()
        self._desk, self._model, self._picture = desk, model, picture
        self._priority: Priority = priority
        self._content = content
        self._tries = 0
        self._inner: Future[Scores] | None = None
        self.future.add_done_callback(self._cancel)

    def begin(self) -> None:
        self._tries += 1
        pipeline, tagger = self._desk.pipeline(self._model.name)
        try:
            inner = pipeline.submit(self._picture, self._priority)
        except BackendError:  # closed between the two lines
            if self._tries >= _TRIES:
                raise
            self.begin()
            return
        self._inner = inner
        inner.add_done_callback(functools.partial(self._end, tagger))

    def _end(self, tagger: Tagger, inner: Future[Scores]) -> None:
        if self.future.cancelled():
            return
        gone = inner.cancelled() or isinstance(inner.exception(), BackendError)
        if gone and self._tries < _TRIES and not self._desk.is_loaded(tagger):
            try:
                self._desk.later(self._again)
            except RuntimeError:  # the process is ending
                self._fail(BackendError("expected a running server, got one that is ending"))
        elif inner.cancelled():
            self._fail(BackendError(f"{self._model.name}: unloaded while the picture waited"))
        elif error := inner.exception():
            self._fail(error)
        elif self.future.set_running_or_notify_cancel():
            self._give(inner.result(), tagger.backend.contract)

    def _give(self, scores: Scores, contract: Contract) -> None:
        self.future.set_result(scores)
        if self._content:
            self._desk.keep(self._model, self._content, scores, contract)

    def _cancel(self, outer: Future[Scores]) -> None:
        if outer.cancelled() and self._inner is not None:
            self._inner.cancel()

    def _again(self) -> None:
        try:
            self.begin()
        except BaseException as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)
