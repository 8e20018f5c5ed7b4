"""A training's files, read as they grow: how far it is, its curves, its samples, its last words.

The training is a program of its own; these files are all that is known of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

POINTS = 600
"""Points of a curve that are kept; older ones are thinned."""
TAIL = 12_000
"""Bytes of a log that are looked at."""
MOST_SHEET = 16 << 20
_BLOCK = 8 << 20


@dataclass(frozen=True)
class Figures:
    """What a training has told so far.

    epoch: how many are done, a part of one counts. epochs: how many there will be, 0: not known.
    loss, epoch_loss, calibration_loss, mean_average_precision: (epoch, value), of steps, of whole
    epochs. rate: pictures a second.
    """

    epoch: float = 0.0
    epochs: int = 0
    step: int = 0
    rate: float = 0.0
    memory_gb: float = 0.0
    seconds: float = 0.0
    loss: tuple[tuple[float, float], ...] = ()
    epoch_loss: tuple[tuple[float, float], ...] = ()
    calibration_loss: tuple[tuple[float, float], ...] = ()
    mean_average_precision: tuple[tuple[float, float], ...] = ()
    left_out: int = 0

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        return min(1.0, self.epoch / self.epochs) if self.epochs else 0.0

    @property
    def training_loss(self) -> tuple[tuple[float, float], ...]:
        """Of steps, or where too few were told of, of epochs."""
        return self.loss if len(self.loss) > len(self.epoch_loss) else self.epoch_loss

    @property
    def best(self) -> float | None:
        """The highest mAP so far."""
        return max((value for _, value in self.mean_average_precision), default=None)


class Follower:
    """Reads one run's folder; what was read once is not read again. For one thread at a time."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.figures = Figures()
        self._read = 0
        self._head = b""
        self._first: tuple[float, float] | None = None  # a time, and how many epochs were done then
        self._now = 0.0

    def look(self) -> Figures:
        """Read what is new."""
        if not self.figures.epochs:
            self.figures = replace(self.figures, epochs=_epochs(self.run))
        for record in self._records():
            self._take(record)
        return self.figures

    @property
    def seconds_left(self) -> float | None:
        """How long it will go on at the pace so far; None where nobody knows."""
        if self._first is None or not self.figures.epochs:
            return None
        since, at = self._first
        done = self.figures.epoch - at
        left = self.figures.epochs - self.figures.epoch
        return (self._now - since) / done * left if done > 0 else None

    def _records(self) -> Iterator[Mapping[str, Any]]:
        path = self.run / "progress.jsonl"
        try:
            with path.open("rb") as file:
                head = file.read(64)
                if not head.startswith(self._head) or path.stat().st_size < self._read:
                    self._forget()  # it was resumed, and what came after its checkpoint is gone
                self._head = head
                file.seek(self._read)
                block = file.read(_BLOCK)
        except OSError:
            return
        whole = block.rpartition(b"\n")[0]
        self._read += len(whole) + 1 if whole else 0
        for line in whole.splitlines():
            record = _parsed(line)
            if record:
                yield record

    def _forget(self) -> None:
        self.figures = Figures(epochs=self.figures.epochs)
        self._read, self._first = 0, None

    def _take(self, record: Mapping[str, Any]) -> None:
        kind, epoch = record.get("kind"), _number(record, "epoch")
        self._now = _number(record, "time") or self._now
        if kind == "left out":
            self.figures = replace(self.figures, left_out=self.figures.left_out + 1)
        if kind not in ("step", "epoch") or epoch is None:
            return
        if self._first is None or epoch < self._first[1]:
            self._first = (self._now, epoch)
        self.figures = _with_record(self.figures, record, kind == "epoch", epoch)


def _with_record(now: Figures, record: Mapping[str, Any], ended: bool, epoch: float) -> Figures:
    """The figures with those of a step, or of an epoch that has `ended`."""
    now = replace(
        now,
        epoch=epoch,
        step=int(_number(record, "step") or now.step),
        rate=_number(record, "images_per_second") or now.rate,
        memory_gb=_number(record, "memory_gb") or now.memory_gb,
        seconds=_number(record, "seconds") or now.seconds,
    )
    told = _number(record, "loss")
    if not ended:
        return replace(now, loss=_with(now.loss, epoch, told))
    figure, loss = (_number(record, f"calibration_{name}") for name in ("map", "loss"))
    return replace(
        now,
        epoch_loss=_with(now.epoch_loss, epoch, told),
        mean_average_precision=_with(now.mean_average_precision, epoch, figure),
        calibration_loss=_with(now.calibration_loss, epoch, loss),
    )


def tail(log: Path, lines: int = 14) -> list[str]:
    """The last lines that a program wrote; a line that was written over counts as it is now."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    shown = (line.rsplit("\r", 1)[-1].replace("\x1b[K", "").rstrip() for line in text.splitlines())
    return [line[:400] for line in shown if line][-lines:]


def newest_sheet(run: Path) -> Path | None:
    """The last picture of samples that the training wrote; None before the first."""
    found = [*(run / "samples").glob("epoch-*.png")]
    newest = max(found, key=lambda path: path.name, default=None)
    return newest if newest and newest.stat().st_size <= MOST_SHEET else None


def _epochs(run: Path) -> int:
    try:
        config = json.loads((run / "run.json").read_text("utf-8"))["config"]
        return max(0, int(config["epochs"]))
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _parsed(line: bytes) -> Mapping[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _number(record: Mapping[str, Any], name: str) -> float | None:
    value = record.get(name)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return float(value) if math.isfinite(value) else None


def _with(
    points: Sequence[tuple[float, float]], epoch: float, value: float | None
) -> tuple[tuple[float, float], ...]:
    """A curve with one point more; those that a resumed training takes again are dropped."""
    if value is None:
        return tuple(points)
    while points and points[-1][0] >= epoch:
        points = points[:-1]
    kept = (*points, (epoch, value))
    return kept if len(kept) <= POINTS else (*kept[: POINTS // 2 : 2], *kept[POINTS // 2 :])
