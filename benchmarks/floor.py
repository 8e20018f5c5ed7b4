"""What the floor costs on this machine: `python benchmarks/floor.py` prints a line for each.

Medians of many, in CPU time but for the import, so that a busy machine matters less; a figure over
its ceiling is marked, and nothing fails. The first three ceilings are the project's promise, the
others are what it took on two cores of a server, with some room.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tagger.folder.walk import Walk  # noqa: E402 - the checkout beside us, installed or not
from tagger.labels import DANBOORU, Label, LabelSet  # noqa: E402
from tagger.preprocess import Preprocess, fit, normalise  # noqa: E402
from tagger.thresholds import Selection, Selector  # noqa: E402

IMPORT = """
import time
start = time.perf_counter()
import tagger
print(time.perf_counter() - start)
"""
HELP = """
import contextlib, io, time
from tagger.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(["--help"])
print(time.process_time())
"""


@dataclass(frozen=True)
class Cost:
    """One thing measured: seconds each time, and what it should stay under, in seconds."""

    name: str
    seconds: list[float]
    ceiling: float

    def line(self) -> str:
        median, low, high = (
            f"{1000 * one:9.3f}"
            for one in (statistics.median(self.seconds), min(self.seconds), max(self.seconds))
        )
        over = "" if statistics.median(self.seconds) <= self.ceiling else "  over"
        return f"{self.name:44}{median}{low}{high}{1000 * self.ceiling:10.2f}{over}"


def repeat(task: Callable[[], object], times: int) -> list[float]:
    """Measure a task's CPU time, after one run that warms it up."""
    task()
    taken: list[float] = []
    for _ in range(times):
        start = time.process_time()
        task()
        taken.append(time.process_time() - start)
    return taken


def ask_fresh(code: str, times: int) -> list[float]:
    """Return what code prints in fresh interpreters, without the first, which fills the caches."""
    said = [
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
        for _ in range(times + 1)
    ]
    return [float(one.stdout) for one in said[1:]]


def selection() -> list[float]:
    """Select from as many scores as WD's v3 models have, about 50 of them over the threshold."""
    labels = LabelSet(
        tuple(Label(f"tag_{index}", DANBOORU[3 * (index > 8109)]) for index in range(10_861))
    )
    scores = np.random.default_rng(0).beta(0.05, 2, len(labels)).astype(np.float32)
    selector = Selector(Selection(), labels)
    return repeat(lambda: selector(scores), 1000)


def fitting() -> list[float]:
    """Fit and normalise a picture of common size for a WD model."""
    noise = np.random.default_rng(0).integers(0, 256, (1536, 1024, 3), np.uint8)
    picture, wd = Image.fromarray(noise), Preprocess(channels="bgr")
    return repeat(lambda: normalise(fit(picture, wd)[None], wd), 20)


def walking(folders: int = 100, files: int = 1000) -> list[float]:
    """Walk empty files in folders; making them is not timed."""
    with tempfile.TemporaryDirectory() as place:
        for folder in range(folders):
            inside = Path(place) / f"folder {folder}"
            inside.mkdir()
            for file in range(files):
                (inside / f"{file}.png").touch()
        return repeat(lambda: sum(1 for _ in Walk([Path(place)])), 5)


def main() -> None:
    print(f"{'ms':44}{'median':>9}{'least':>9}{'most':>9}{'ceiling':>10}")
    for name, measure, ceiling in (
        ("import tagger, wall time", lambda: ask_fresh(IMPORT, 20), 0.050),
        ("tagger --help, with the interpreter", lambda: ask_fresh(HELP, 20), 0.250),
        ("select from 10,861 scores", selection, 0.00005),
        ("fit and normalise 1024x1536 to 448", fitting, 0.050),
        ("walk 100,000 files in 100 folders", walking, 2.0),
    ):
        print(Cost(name, measure(), ceiling).line(), flush=True)


if __name__ == "__main__":
    main()
