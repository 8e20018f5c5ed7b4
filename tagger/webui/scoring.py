"""Pictures to scores: kept ones, else through the one queue of their model.

A model is found, loaded and fed here. One that is unloaded while pictures wait for it is loaded
again for them: nobody's request fails because somebody else pressed Unload.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ..backends import Backend, open_backend
from ..backends.explain import by_torch
from ..captioner import Captioner
from ..engine import Keep, Tagger, Taggers
from ..folder.recall import Memory
from ..images import content_hash
from ..models.spec import Contract, Model
from ..pipeline import Pipeline, Priority
from ..scores import Scores
from ..settings import Runtime, Settings
from ..store import Store
from .asked import Asked, Picture
from .finding import ByTorch, Models
from .jobs import BusyError

__all__ = ["Models", "Picture", "Scoring"]

QUEUE = 512
"""Pictures that may wait at once, those of long runs apart."""
ASKABLE_S = 60.0
"""Seconds that a model stays which was opened to be asked by gradients."""


@dataclass(frozen=True)
class _Way:
    """How models are run: other preferences need other taggers."""

    runtime: Runtime
    idle_s: float | None


class Scoring:
    """All models of a process with their queues. All methods may be called by any thread."""

    def __init__(
        self,
        models: Models,
        store: Callable[[], Store | None],
        way: Callable[[], tuple[Runtime, float | None]],
        before_load: Callable[[Model], object] | None = None,
        open: Callable[[Model, Runtime], Backend] = open_backend,  # noqa: A002 - what it does
    ) -> None:
        """Load nothing yet; `way` says on what to run and for how many idle seconds to stay."""
        self._models, self._store = models, store
        self._wanted, self._before_load, self._open = way, before_load, open
        self._lock = threading.RLock()
        self._way = _Way(*way())
        self._taggers = self._new_taggers()
        self._askable = self._new_askable()
        self._pipelines: dict[str, Pipeline] = {}
        self._fed: dict[str, Tagger] = {}
        self._memories: dict[str, tuple[Model, Memory]] = {}
        self._keeper = ThreadPoolExecutor(1, thread_name_prefix="tagger-keep")
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="tagger-again")
        self._waiting = 0

    @property
    def taggers(self) -> Taggers:
        """The loaded models; others from when the preferences change."""
        wanted = _Way(*self._wanted())
        with self._lock:
            if wanted == self._way:
                return self._taggers
            before, self._way = (self._taggers, self._askable), wanted
            self._taggers, self._askable = self._new_taggers(), self._new_askable()
        dropped = self._take()
        for each in before:
            each.close()
        for pipeline in dropped:
            pipeline.close()
        return self._taggers

    @property
    def waiting(self) -> int:
        """Pictures that somebody waits for."""
        return self._waiting

    def submit(
        self,
        model: str,
        picture: Picture,
        priority: Priority = "interactive",
        enough: Callable[[Scores], bool] | None = None,
    ) -> Future[Scores]:
        """The scores of one picture, kept ones where those are `enough`; else the model is loaded.

        Kept scores lack those under 0.01; without `enough` they do.

        Raises:
            ModelError: unknown, broken, or not on disk.
            BackendError: no device for it.
            ImageError: the file can't be read.
            BusyError: too many pictures wait.
        """
        found = self._models.find(model)
        content, kept = self._recall(found, picture, enough)
        if kept is not None:
            done: Future[Scores] = Future()
            done.set_result(kept)
            return done
        self._enter()
        try:
            future = self.infer(found, picture, priority, content)
        except BaseException:
            self._leave()
            raise
        future.add_done_callback(self._leave)
        return future

    def infer(
        self, model: Model, picture: Picture, priority: Priority, content: str | None = None
    ) -> Future[Scores]:
        """As `submit`, without asking the store; with the hash of its `content` scores are kept."""
        asked = Asked(self, model, picture, priority, content)
        asked.begin()
        return asked.future

    def pipeline(self, name: str) -> tuple[Pipeline, Tagger]:
        """The open queue of a model, and the loaded model; loads it if need be."""
        tagger = self.taggers.get(name)
        with self._lock:
            if self._fed.get(tagger.name) is not tagger:
                before = self._pipelines.pop(tagger.name, None)
                self._pipelines[tagger.name] = Pipeline(tagger, self._way.runtime)
                self._fed[tagger.name] = tagger
                if before:
                    threading.Thread(target=before.close, daemon=True).start()
            return self._pipelines[tagger.name], tagger

    def use(self, model: Model) -> AbstractContextManager[Tagger]:
        """The model to be asked by gradients, run by torch for it where that is possible.

        Where torch does not run it anyway it is opened once more, and stays a minute.
        """
        taggers, way = self.taggers, by_torch(model)
        loaded = (each for each in taggers.loaded() if each.name == model.name)
        suits = any(each.backend.contract.runtime != "onnx" for each in loaded)
        if suits or way.contracts == model.contracts:
            return taggers.use(model.name)
        return self._askable.use(model.name)

    def unload(self, name: str | None = None) -> int:
        """Free one model or all, once their running batches are over; say how many bytes."""
        dropped = self._take(None if name is None else (name,))
        both = self.taggers, self._askable
        freed = sum(each.unload_all() if name is None else each.unload(name) for each in both)
        for pipeline in dropped:
            pipeline.close()
        return freed

    def close(self) -> None:
        """Free every model and end all threads."""
        for pipeline in self._take():
            pipeline.close()
        self._taggers.close()
        self._askable.close()
        self._loader.shutdown(wait=True)
        self._keeper.shutdown(wait=True)

    def memory(self, model: Model) -> Memory | None:
        """The kept scores of a model's pictures."""
        known = self._memories.get(model.name)
        if known is None or known[0] is not model:
            store = self._store()
            if store is None:
                return None
            plain = Captioner(Settings(), model.labels, model.thresholds)
            known = self._memories[model.name] = (model, Memory(store, model, plain))
        return known[1]

    def _recall(
        self, model: Model, picture: Picture, enough: Callable[[Scores], bool] | None
    ) -> tuple[str | None, Scores | None]:
        if isinstance(picture, Image.Image) or not model.on_disk:
            return None, None
        memory = self.memory(model)
        if memory is None:
            return None, None
        known = isinstance(picture, Path)
        content = memory.content(picture) if known else content_hash(picture)
        return content, memory.scores(content, enough or _any) if content else None

    def is_loaded(self, tagger: Tagger) -> bool:
        """Whether a model that was loaded still is."""
        return any(tagger is one for one in self._taggers.loaded())

    def keep(self, model: Model, content: str, scores: Scores, contract: Contract) -> None:
        """Keep scores in the store, by a thread of its own: nobody waits for the disk."""
        memory = self.memory(model)
        if memory:
            with contextlib.suppress(RuntimeError):  # the process is ending
                self._keeper.submit(memory.keep, content, scores, contract)

    def later(self, begin: Callable[[], None]) -> None:
        """Begin again by a thread that may wait for a model to load."""
        self._loader.submit(begin)

    def settle(self) -> None:
        """Wait until the scores that are there are kept."""
        self._keeper.submit(bool).result()

    def _enter(self) -> None:
        with self._lock:
            if self._waiting >= QUEUE:
                raise BusyError(f"expected at most {QUEUE} pictures to wait, got more: try later")
            self._waiting += 1

    def _leave(self, future: Future[Scores] | None = None) -> None:
        with self._lock:
            self._waiting -= 1

    def _take(self, names: Iterable[str] | None = None) -> list[Pipeline]:
        """Take pipelines away, all or those of some models; they are still open."""
        with self._lock:
            gone = tuple(self._pipelines) if names is None else names
            for name in gone:
                self._fed.pop(name, None)
            return [self._pipelines.pop(name) for name in gone if name in self._pipelines]

    def _new_taggers(self) -> Taggers:
        keep = Keep(idle_s=self._way.idle_s)
        return Taggers(self._models, self._way.runtime, keep, self._before_load, self._open)

    def _new_askable(self) -> Taggers:
        keep = Keep(idle_s=ASKABLE_S, models=1)
        finder = ByTorch(self._models)
        return Taggers(finder, self._way.runtime, keep, self._before_load, self._open)


def _any(scores: Scores) -> bool:
    return True
