"""A loaded model: pictures in, Scores out. Knows no files of pictures: see `pipeline`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..backends import Backend
from ..caption import Caption
from ..captioner import Captioner
from ..errors import BackendError, ModelError
from ..labels import LabelSet
from ..models.spec import Model
from ..preprocess import Batch, Preprocess, fit, stack
from ..relations import EMPTY, Relations
from ..scores import Scores
from ..settings import Settings
from ..thresholds import Thresholds

Clock = Callable[[], float]


class Tagger:
    """A model with its backend. All methods may be called by any thread.

    At most `backend.streams` batches run at once; further callers wait.
    """

    def __init__(self, model: Model, backend: Backend, clock: Clock = time.monotonic) -> None:
        if backend.outputs != len(model.labels):
            raise ModelError(
                f"{model.name}: expected {len(model.labels)} outputs for as many labels, got "
                f"{backend.outputs}: the label file belongs to another model"
            )
        self.model = model
        self.backend = backend
        self.last_used = clock()
        self._clock = clock
        self._slots = threading.Semaphore(backend.streams)
        self._moving = threading.Lock()
        self._closed = False
        self._captioner: tuple[Settings, Relations, Captioner] | None = None

    @property
    def name(self) -> str:
        """The model's name in its registry."""
        return self.model.name

    @property
    def labels(self) -> LabelSet:
        """What the scores are of, in order."""
        return self.model.labels

    @property
    def thresholds(self) -> Thresholds:
        """The model's operating point."""
        return self.model.thresholds

    @property
    def preprocess(self) -> Preprocess:
        """How pictures are prepared."""
        return self.backend.contract.preprocess

    def fit(self, picture: Image.Image | NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Prepare one picture, or its pixels, RGB: uint8 RGB [H, W, 3], of the model's size.

        By torch where that is imported: scores move by less than a thousandth, and a picture takes
        half the time.
        """
        return fit(picture, self.preprocess, by="auto")

    def run(self, batch: Batch) -> list[Scores]:
        """Score prepared pictures, put together by `preprocess.stack`, in order.

        Raises:
            DeviceMemoryError: the batch is too large for the device.
            BackendError: the device or library refused, or the model was unloaded.
        """
        values = None
        while values is None:
            self.wake()
            with self._slots:
                if self._closed:
                    raise BackendError(f"{self.name}: expected a loaded model, got an unloaded one")
                if self.backend.parked:  # between the two lines above
                    continue
                self.last_used = self._clock()
                values = self.backend.run(batch)
                self.last_used = self._clock()
        return [Scores(row, self.labels, self.name) for row in values]

    def scores(self, images: Sequence[Image.Image]) -> list[Scores]:
        """Score pictures, in order, in batches as the backend likes them.

        For many pictures see `pipeline`, which prepares the next while one runs.
        """
        size = self.backend.best_batch
        batches = [images[at : at + size] for at in range(0, len(images), size)]
        runs = (
            self.run(stack([self.fit(image) for image in batch], self.preprocess))
            for batch in batches
        )
        return [scores for run in runs for scores in run]

    def caption(
        self,
        image: Image.Image,
        settings: Settings,
        relations: Relations = EMPTY,
        source: PurePath | None = None,
    ) -> Caption:
        """Caption one picture; `source` is the file, for settings that name it in the text."""
        (scores,) = self.scores([image])
        return self.captioner(settings, relations)(scores, source)

    def captioner(self, settings: Settings, relations: Relations = EMPTY) -> Captioner:
        """The way from this model's scores to captions; the last one made is kept."""
        kept = self._captioner
        if kept is None or kept[0] != settings or kept[1] is not relations:
            made = Captioner(settings, self.labels, self.thresholds, relations)
            kept = self._captioner = (settings, relations, made)
        return kept[2]

    def park(self, unless: Callable[[], bool] = lambda: False) -> int:
        """Wait for the batches that are running, then take the weights off the device.

        Returns the bytes that this frees there: none where they are in main memory anyway. The
        next run brings them back. `unless` is asked last, when nothing runs any more.
        """
        with self._alone():
            return 0 if self._closed or unless() else self.backend.park()

    def wake(self, make_room: Callable[[], object] | None = None) -> None:
        """Bring the weights back to the device, after `make_room`; nothing where they are there.

        Raises:
            BackendError: there is no room, or the device refused.
        """
        if not self.backend.parked:
            return
        with self._alone():
            if self.backend.parked and not self._closed:
                if make_room:
                    make_room()
                self.backend.wake()
                self.last_used = self._clock()

    @contextmanager
    def alone(self) -> Iterator[Backend]:
        """The backend, awake, with nothing else running on it while the block lasts.

        Raises:
            BackendError: the model was unloaded, or the device refused.
        """
        with self._alone():
            if self._closed:
                raise BackendError(f"{self.name}: expected a loaded model, got an unloaded one")
            if self.backend.parked:
                self.backend.wake()
            self.last_used = self._clock()
            yield self.backend
            self.last_used = self._clock()

    def close(self) -> int:
        """Wait for the batches that are running, free the weights, say how many bytes.

        Later runs raise BackendError. A second call does nothing and says 0.
        """
        with self._alone():
            freed = 0 if self._closed else self.backend.memory
            self._closed = True
            self.backend.close()
        return freed

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No batch runs in this block, and one thread is in it."""
        with self._moving:
            for _ in range(self.backend.streams):
                self._slots.acquire()
            try:
                yield
            finally:
                self._slots.release(self.backend.streams)
