"""Why a tag: asked in the background of one picture, watched while it is looked for, stopped."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from ..engine.explaining import Why, paint, why
from ..images import open_image
from ..report.thumbnail import data_uri
from .job import Job

if TYPE_CHECKING:
    from .app import App

SIDE = 768
"""The overlay's longest side at most, pixels: the page shows it at half of that."""


@dataclass(frozen=True)
class Answer:
    """What was found. overlay: a data URI; empty where nothing in the picture speaks for the tag.

    name: as the model spells it. score: its probability. method: as `Why` says it.
    """

    name: str
    score: float
    method: str
    overlay: str


@dataclass(frozen=True, eq=False)
class Reason:
    """One question: a tag of a picture's bytes by a model; `job` says how far it is."""

    picture: bytes
    model: str
    tag: str
    job: Job
    found: list[Answer]

    @property
    def answer(self) -> Answer | None:
        """What was found; None before, and where nothing could be."""
        return self.found[0] if self.found else None


class Reasons:
    """The questions of a process, one after the other. All methods suit any thread."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="tagger-why")

    def ask(self, picture: bytes, model: str, tag: str) -> Reason:
        """Begin to look; a question that waits before it is answered first.

        What goes wrong, the picture, the tag or the model, is said by the job.
        """
        reason = Reason(picture, model, tag, Job("explain", tag), [])
        self._worker.submit(reason.job.perform, self._work(reason))
        return reason

    def _work(self, reason: Reason) -> Callable[[Job], None]:
        def work(job: Job) -> None:
            def tell(done: int, total: int) -> None:
                job.check()
                job.tell(done=done, total=total)

            image = open_image(reason.picture)
            with self._app.scoring.use(self._app.find(reason.model)) as tagger:
                (found,) = why(tagger, image, [reason.tag], progress=tell)
            reason.found.append(_answer(found, image))

        return work


def _answer(found: Why, image: Image.Image) -> Answer:
    overlay = ""
    if found.heat.any():
        small = image.convert("RGBA")
        small.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=2.0)
        overlay = data_uri(paint(small, found.heat))
    return Answer(found.name, found.score, found.method, overlay)
