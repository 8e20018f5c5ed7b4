"""The loaded models of one process: each loaded once, whoever asks, and unloaded in time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from ..backends import Backend, open_backend
from ..models.spec import Model
from ..settings import Runtime
from .keep import Keep
from .tagger import Tagger

log = logging.getLogger(__name__)


class Finder(Protocol):
    """What Taggers needs of a registry."""

    def find(self, name: str) -> Model:
        """Find a model on this machine by name, alias or path."""
        ...


@dataclass(eq=False)
class _Entry:
    tagger: Future[Tagger] = field(default_factory=lambda: Future[Tagger]())
    users: int = 0


class Taggers:
    """The loaded models of one process, each loaded once whoever asks.

    After use a model stays on the device, waits in main memory, or goes, as `runtime.keep` says:
    "device", "ram" or "none". On a processor "ram" is where it is anyway.
    """

    def __init__(
        self,
        registry: Finder,
        runtime: Runtime | None = None,
        keep: Keep | None = None,
        before_load: Callable[[Model], object] | None = None,
        open: Callable[[Model, Runtime], Backend] = open_backend,  # noqa: A002 - what it does
    ) -> None:
        """Load nothing yet.

        `before_load` is called before each loading, and before weights that waited in main memory
        go back to the device: the host makes room.
        """
        self._registry = registry
        self._runtime = runtime or Runtime()
        self._keep = keep or Keep()
        self._before_load = before_load
        self._open = open
        self._clock = self._keep.clock
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None

    def get(self, name: str) -> Tagger:
        """Return the model, loading it where it is not yet.

        Threads that ask for one model at once wait for one loading; different models load side
        by side. A loading that failed raises for all who waited; the next to ask tries again.

        Raises:
            ModelError: no such model, not on disk, or its files are broken.
            BackendError: no device for it.
        """
        return self._loaded(name, 0).tagger.result()

    @contextmanager
    def use(self, name: str) -> Iterator[Tagger]:
        """As `get`, and the model is neither idle nor least recently used until the block ends."""
        entry = self._loaded(name, 1)
        try:
            yield entry.tagger.result()
        finally:
            with self._lock:
                entry.users -= 1

    def loaded(self) -> tuple[Tagger, ...]:
        """The models loaded now, in the order they were loaded."""
        with self._lock:
            return tuple(tagger for tagger in map(_ready, self._entries.values()) if tagger)

    def unload(self, name: str) -> int:
        """Free a model once its running batches are over; return the bytes of its weights.

        0 where it was not loaded or its size is not known.
        """
        with self._lock:
            entry = self._entries.pop(name, None)
        return _close(entry) if entry else 0

    def unload_all(self) -> int:
        """Free every model; return the bytes of their weights."""
        return sum(self.unload(name) for name in tuple(self._entries))

    def unload_idle(self) -> tuple[str, ...]:
        """Free the models that nobody used for `keep.idle_s`; return their names.

        Where `runtime.keep` is "none", those whose work is over.
        """
        limit = self._keep.rest_s if self._runtime.keep == "none" else self._keep.idle_s
        if limit is None:
            return ()
        with self._lock:
            idle = [name for name, _ in self._idle(limit)]
            entries = [self._entries.pop(name) for name in idle]
        for name, entry in zip(idle, entries, strict=True):
            log.info("%s: unloaded after %g s without use", name, limit)
            _close(entry)
        return tuple(idle)

    def park_idle(self) -> int:
        """Take the models whose work is over off the device; return the bytes freed there.

        Only where `runtime.keep` is "ram".
        """
        if self._runtime.keep != "ram":
            return 0
        with self._lock:
            resting = [tagger for _, tagger in self._idle(self._keep.rest_s)]
        return sum(tagger.park(unless=partial(self._is_used, tagger)) for tagger in resting)

    def close(self) -> None:
        """Free every model and end the idle timer."""
        self._stop.set()
        watcher = self._watcher
        if watcher:
            watcher.join()
        self.unload_all()

    def _loaded(self, name: str, users: int) -> _Entry:
        """The model's entry with `users` more, its loading over; raises what the loading raised."""
        model = self._registry.find(name)
        with self._lock:
            entry = self._entries.get(model.name)
            first = entry is None
            if entry is None:
                entry = self._entries[model.name] = _Entry()
            elif tagger := _ready(entry):
                tagger.last_used = self._clock()
            entry.users += users
        try:
            if first:
                self._load(model, entry)
            entry.tagger.result().wake(partial(self._before, model))
        except BaseException:
            with self._lock:
                entry.users -= users
            raise
        return entry

    def _load(self, model: Model, entry: _Entry) -> None:
        try:
            self._make_room()
            self._before(model)
            tagger = Tagger(model, self._open(model, self._runtime), self._clock)
        except BaseException as error:
            with self._lock:
                if self._entries.get(model.name) is entry:
                    del self._entries[model.name]  # so that the next to ask tries again
            entry.tagger.set_exception(error)
            return
        log.info("%s: loaded on %s, %s", model.name, tagger.backend.device, tagger.backend.dtype)
        entry.tagger.set_result(tagger)
        self._watch(tagger)

    def _before(self, model: Model) -> None:
        if self._before_load:
            self._before_load(model)

    def _make_room(self) -> None:
        """Unload the least recently used, unless in use, so that one more keeps to the limit."""
        most = self._keep.models
        with self._lock:
            surplus = len(self._entries) - most if most else 0
            oldest = sorted(self._unused(), key=lambda pair: pair[1].last_used)
            entries = [self._entries.pop(name) for name, _ in oldest[: max(0, surplus)]]
        for entry in entries:
            _close(entry)

    def _unused(self) -> list[tuple[str, Tagger]]:
        pairs = ((name, _ready(entry)) for name, entry in self._entries.items() if not entry.users)
        return [(name, tagger) for name, tagger in pairs if tagger]

    def _idle(self, limit: float) -> list[tuple[str, Tagger]]:
        now = self._clock()
        return [pair for pair in self._unused() if now - pair[1].last_used >= limit]

    def _is_used(self, tagger: Tagger) -> bool:
        """Whether somebody asked for a model since it was found to be idle."""
        with self._lock:
            return all(tagger is not one for _, one in self._idle(self._keep.rest_s))

    def _watch(self, tagger: Tagger) -> None:
        """Start the idle timer, unless it runs or is not wanted for this model."""
        idle_s, keep = self._keep.idle_s, self._runtime.keep
        rests = keep == "none" or (keep == "ram" and tagger.backend.device != "cpu")
        limits = [self._keep.rest_s] * rests + ([] if idle_s is None else [idle_s])
        with self._lock:
            if not limits or self._watcher or self._stop.is_set():
                return
            self._watcher = threading.Thread(
                target=self._tick, args=(min(limits) / 4,), name="tagger-idle", daemon=True
            )
            self._watcher.start()

    def _tick(self, every_s: float) -> None:
        while not self._stop.wait(every_s):
            self.unload_idle()
            self.park_idle()
            with self._lock:
                if not self._entries:  # the next loading starts another
                    self._watcher = None
                    return


def _ready(entry: _Entry) -> Tagger | None:
    future = entry.tagger
    return future.result() if future.done() and not future.exception() else None


def _close(entry: _Entry) -> int:
    """Close an entry that was taken out, after its loading if that is still under way."""
    return 0 if entry.tagger.exception() else entry.tagger.result().close()
