"""What the listeners of the page Training do: a Python made, trainings begun and looked at."""

from __future__ import annotations

import base64
import contextlib
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from ....bytecount import readable
from ....errors import TaggerError, UsageError
from ... import interpreter
from ...app import App
from ...compat import update
from ...following import newest_sheet, tail
from ...jobs import ENDED, Job
from ...training import program
from ...training.request import Request, recipes
from ...training.run import Run
from ..fragments import common
from ..fragments import training as fragments
from ..fragments.common import NEW, NONE
from ..letters import letters
from ..shared import Shared
from .filled import filled_in


class Acts:
    """What the page's listeners do; each gives the values of its outputs."""

    def __init__(self, shared: Shared) -> None:
        self._app: App = shared.app
        self._runs = self._app.trainings
        self._chosen = ""
        self._news = False

    # the Python

    def set_up(self, seen: Any) -> list[Any]:
        """Make our own Python, unless it is being made."""
        try:
            if self._app.host.roots() == ():
                raise UsageError(_CLOSED)
            if self._job() is None:
                self._app.jobs.start("environment", "Python for training", interpreter.set_up)
        except TaggerError as error:
            return [common.note(str(error), "bad"), *self.look(seen)]
        return ["", *self.look(seen)]

    def cancel(self, seen: Any) -> list[Any]:
        """Stop making it."""
        job = self._job()
        if job:
            job.cancel()
            job.wait(15)
        return self.look(seen)

    # trainings

    def rehearse(self, named: str, *form: Any) -> list[Any]:
        """Ask the training what it says of the form."""
        try:
            request, python = filled_in(self._app, named, form)
            return ["", fragments.rehearsal(program.rehearse(request, python))]
        except TaggerError as error:
            return [common.note(str(error), "bad"), ""]

    def start(self, seen: Any, named: str, *form: Any) -> list[Any]:
        """Start a training, once it has taken its arguments."""
        try:
            request, python = filled_in(self._app, named, form)
            said = self._found(request, python)
            run = self._runs.start(request, python, lambda: self._app.make_way(request.device))
        except TaggerError as error:
            return [common.note(str(error), "bad"), "", *self.look(seen)]
        self._chosen = run.name
        return [common.note(f"{run.name} has begun{said}.", "good"), "", *self.look(seen)]

    def hear(self, post: str, seen: Any) -> list[Any]:
        """A button of a training was pressed."""
        said: Any = ""
        for letter in letters(post):
            try:
                said = self._heard(str(letter.get("do")), str(letter.get("run", "")))
            except TaggerError as error:
                said = common.note(str(error), "bad")
        return ["", said, *self.look(seen)]

    def look(self, seen: Any = ("", "")) -> list[Any]:
        """The page as it is now; what it has already is not sent again.

        `seen`: what curves and samples show, by the State of the page.
        """
        runs = self._runs.list()
        run = next((each for each in runs if each.name == self._chosen), runs[0] if runs else None)
        job, ours = self._job(), interpreter.made()
        message = job.message or "beginning" if job else ""
        size = readable(job.done) if job and job.done else ""
        python = [
            fragments.python(str(ours.python) if ours else "", message, size) or self._failed(),
            update(interactive=job is None),
            update(interactive=job is not None),
        ]
        states = [(each.name, each.state) for each in runs]
        listed = fragments.names(states, run.name if run else "")
        return [*python, listed, *self._drawn(run, seen)]

    def news(self) -> bool:
        """Whether a finished training's model has joined the others since this was asked last."""
        news, self._news = self._news, False
        return news

    def choices(self) -> dict[str, list[str]]:
        """The recipes, and what a training may start from, as it is now; by their elem_id."""
        return {"tagger_train_recipe": [NONE, *recipes()], "tagger_train_from": self.starts()}

    def starts(self) -> list[str]:
        """Models on this machine and those that can be fetched, and finished trainings."""
        rows = [row.name for row in self._app.rows() if row.state != "bad"]
        done = [f"training: {run.name}" for run in self._runs.list() if run.state == "done"]
        return [NEW, *done, *rows]

    # the parts

    def _found(self, request: Request, python: Path) -> str:
        """What to add where the training did not answer in time. Raises its refusal."""
        try:
            program.rehearse(request, python, program.ASK_S)
        except program.UnansweredError:
            return ", unchecked: what it has to say will stand below"
        return ""

    def _heard(self, act: str, name: str) -> Any:
        run = self._runs.find(name) if name else None
        if run is None:
            return ""
        self._chosen = run.name
        if act == "stop":
            self._runs.stop(run)
        elif act == "resume":
            self._runs.resume(run, lambda: self._app.make_way(run.device))
        return ""

    def _drawn(self, run: Run | None, seen: Any) -> list[Any]:
        if run is None:
            return [fragments.head(None), "", "", "", ("", "")]
        run = self._joined(run)
        follower = self._runs.follow(run)
        now = follower.figures
        shown = fragments.Shown(
            run.name, run.state, now, Path(run.dataset).name, run.device, run.asked,
            follower.seconds_left, run.said, run.joined, run.resumable,
        )  # fmt: skip
        sheet = newest_sheet(run.run)
        stamps = (f"{run.name} {now.step} {now.epoch}", f"{run.name} {sheet}")
        before = tuple(seen) if isinstance(seen, (list, tuple)) else ()
        same = [at < len(before) and before[at] == stamp for at, stamp in enumerate(stamps)]
        return [
            fragments.head(shown),
            update() if same[0] else fragments.curves(now),
            update() if same[1] else _sheet(sheet),
            fragments.log(tail(run.log), run.state == "failed"),
            stamps,
        ]

    def _joined(self, run: Run) -> Run:
        """A finished training, its model among the models."""
        with contextlib.suppress(OSError, TaggerError):  # tried again at the next look
            if self._runs.join(run):
                self._news = True
                return replace(run, joined=True)
        return run

    def _job(self) -> Job | None:
        job = self._app.jobs.newest("environment")
        return job if job is not None and job.state not in ENDED else None

    def _failed(self) -> Any:
        job = self._app.jobs.newest("environment")
        return common.note(job.message, "bad") if job and job.state == "failed" else ""


_CLOSED = (
    "expected a folder that may be used, got a page that others can reach with none named: start "
    "the WebUI with --tagger-root, or `tagger serve` with --root"
)


def _sheet(path: Path | None) -> Any:
    """The samples as a data URI, small enough to be sent."""
    if path is None:
        return ""
    try:
        with Image.open(path) as image:
            picture = image.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return ""
    kept = io.BytesIO()
    picture.save(kept, "WEBP", quality=82)
    uri = "data:image/webp;base64," + base64.b64encode(kept.getvalue()).decode()
    return fragments.sheet(uri, re.sub(r"-0*", " ", path.stem))
