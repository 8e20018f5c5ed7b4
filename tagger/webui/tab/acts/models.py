"""What the listeners of the page Models do: what is here and what it runs on, told and changed."""

from __future__ import annotations

from typing import Any

from ....bytecount import readable
from ....errors import TaggerError
from ....models.spec import ModelSpec
from ...app import App, ModelRow
from ...compat import update
from ...jobs import ENDED
from ..fragments import common
from ..fragments import models as fragments
from ..letters import letters
from ..shared import Shared

OWN = (
    "Put a folder with model.onnx and selected_tags.csv (or another layout that is known) into one "
    "of these folders, then press Look again:"
)
_HERE = {"loaded": 0, "downloading": 1, "on disk": 2, "absent": 3, "bad": 4}


class Acts:
    """What the listeners do; each gives the values of its outputs."""

    def __init__(self, shared: Shared) -> None:
        self._app: App = shared.app

    def hear(self, letter: str, chosen: str | None) -> list[Any]:
        """A button of the table was pressed."""
        said = ""
        for each in letters(letter):
            try:
                said = self._act(str(each.get("do")), str(each.get("model", "")))
            except TaggerError as error:
                said = common.note(str(error), "bad")
        return ["", said, *self._shown(chosen)]

    def look_again(self, chosen: str | None) -> list[Any]:
        """The disk may be another."""
        return ["", *self._shown(chosen)]

    def look(self) -> list[Any]:
        """The page as it is now; a download that failed says why."""
        return [self.failed(), self.table()]

    def table(self) -> Any:
        """The models as they are now."""
        rows = sorted(self._app.rows(), key=lambda row: _HERE[row.state])
        return fragments.table([self._row(row) for row in rows])

    def folders(self) -> Any:
        """Where folders of one's own are looked for."""
        roots = [str(root) for root in self._app.registry.roots]
        return common.paths(OWN, roots)

    def top(self, chosen: str | None, said: str = "") -> Any:
        """The line at the top; `said` is what just happened."""
        name = chosen or self._app.default_model
        loading = next((job for job in self._jobs() if job.title == name), None)
        try:
            now = self._app.status(name)
        except TaggerError as error:
            return fragments.top("bad", "Cannot be used", str(error))
        if loading and now.state != "loaded":
            fetched = f"{100 * loading.done / loading.total:.0f} %" if loading.total else ""
            word = "Downloading" if fetched else "Loading"
            return fragments.top("busy", word, fetched)
        word = {
            "loaded": "Ready",
            "on disk": "Not loaded",
            "absent": "Not on this machine",
            "downloading": "Downloading",
        }[now.state]
        place = [now.library, _device(now.device), now.dtype] if now.state == "loaded" else []
        place += [readable(now.memory)] if now.memory and now.state == "loaded" else []
        hint = {"absent": "fetch it on the page Models"}.get(now.state, "")
        return fragments.top(now.state, word, said or hint or " · ".join(filter(None, place)))

    def unload(self, chosen: str | None) -> list[Any]:
        """Free the model that is shown, and say how much that was, and what stays."""
        name = chosen or self._app.default_model
        try:
            freed = self._app.unload(name)
        except TaggerError as error:
            return [self.top(chosen), common.note(str(error), "bad"), self.table()]
        said = f"{readable(freed)} freed" if freed else "It was not loaded"
        others = len(self._app.scoring.taggers.loaded())
        stays = "another model stays" if others == 1 else f"{others} other models stay"
        said += f"; {stays} loaded" if others else ""
        return [self.top(chosen, said), "", self.table()]

    def choices(self) -> list[str]:
        """The models that can be chosen, those that are here first."""
        rows = sorted(self._app.rows(), key=lambda row: _HERE[row.state])
        return [row.name for row in rows if row.state != "bad"]

    # the parts

    def _shown(self, chosen: str | None) -> list[Any]:
        return [self.table(), update(choices=self.choices()), self.top(chosen)]

    def _act(self, do: str, name: str) -> Any:
        if do == "unload":
            return common.note(f"{name}: {readable(self._app.unload(name))} freed.", "good")
        if do == "download":
            self._app.download(name)
        elif do == "load":
            self._app.load(name)
        elif do == "cancel":
            for job in self._jobs():
                if job.title == name:
                    job.cancel()
        return ""

    def _jobs(self) -> list[Any]:
        kinds = ("download", "load")
        jobs = self._app.jobs.list()
        return [job for job in jobs if job.kind in kinds and job.state not in ENDED]

    def failed(self) -> Any:
        """Why the last download or loading failed; nothing if it did not."""
        kinds = ("download", "load")
        last = [job for job in self._app.jobs.list() if job.kind in kinds]
        failed = bool(last) and last[-1].state == "failed"
        return common.note(last[-1].message, "bad") if failed else ""

    def _row(self, row: ModelRow) -> fragments.Row:
        spec = row.spec
        job = self._app.jobs.get(row.job) if row.job else None
        runs = bool(spec.contracts) or row.state in ("on disk", "loaded")
        bad = row.state == "bad" and runs
        return fragments.Row(
            row.name,
            _owner(spec, row),
            _input(spec) if not bad else "–",
            f"{spec.tags:,}" if spec.tags else "–",
            _thresholds(spec) if not bad else "–",
            spec.licence,
            row.state if bad or runs else "absent",
            " · ".join(filter(None, (_device(row.device), row.dtype))),
            row.reason if bad else "",
            spec.source,
            row.size,
            job.done if job else 0,
            job.total if job else 0,
            spec.gated,
            runs,
        )


def _device(device: str) -> str:
    return {"cpu": "CPU"}.get(device, device.upper() if device.startswith("cuda") else device)


def _owner(spec: ModelSpec, row: ModelRow) -> str:
    if spec.repo:
        return spec.repo.split("/")[0]
    return "bundled" if row.name == "demo" else "local folder"


def _input(spec: ModelSpec) -> str:
    if not spec.contracts:
        return "–"
    pixels = spec.contract.preprocess
    if pixels.fit == "patches":
        return "any shape"
    width, height = pixels.size
    return f"{width} px" if width == height else f"{width} × {height} px"


def _thresholds(spec: ModelSpec) -> str:
    known, overall = spec.thresholds.categories, spec.thresholds.overall
    if spec.thresholds.tags or spec.calibration:
        return "per tag"
    first = _short(known.get("general", overall))
    return f"{first} / {_short(known['character'])}" if "character" in known else first


def _short(threshold: float) -> str:
    return f"{threshold:.2f}".removeprefix("0")
