"""What a folder costs by its size, with a backend that infers nothing.

    python benchmarks/folder.py                        # 1,000, 10,000 and 100,000 pictures
    python benchmarks/folder.py 1000000 --layout flat  # a million in one folder
    python benchmarks/folder.py --acts plan,caption

prints a table: seconds, CPU time for a picture, and the memory that the act took beyond what
Python, the libraries and the labels take. Each act is a process of its own. The pictures are tiny
and all different, the model has as many labels as WD's, and a picture about 165 scores above 0.01
of which 38 become tags: what is measured is everything but decoding and inference.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import importlib
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tagger.backends import FakeBackend  # noqa: E402 - the checkout beside us, installed or not
from tagger.captioner import Captioner  # noqa: E402
from tagger.engine import Tagger  # noqa: E402
from tagger.folder import FolderJob, caption_folder, plan_folder  # noqa: E402
from tagger.folder.journal import Journal  # noqa: E402
from tagger.folder.recall import Memory, Recall  # noqa: E402
from tagger.folder.undo import undo  # noqa: E402
from tagger.models.spec import Contract, Model, ModelSpec  # noqa: E402
from tagger.pipeline import Pipeline  # noqa: E402
from tagger.preprocess import Preprocess  # noqa: E402
from tagger.settings import Folder, Settings  # noqa: E402
from tagger.store import Store  # noqa: E402
from tagger.thresholds import Selection  # noqa: E402

LABELS = 10_861
IN_A_FOLDER = 1000
WORDS = ("long", "short", "red", "blue", "open", "closed", "white", "black", "green", "purple")
NOUNS = ("hair", "eyes", "skirt", "sky", "mouth", "hat", "shirt", "flower", "cat_ears", "(medium)")


class Likely(FakeBackend):
    """Scores as tagging models give them: few of 0.35 and more, some above 0.01, the rest nil."""

    def __init__(self, contract: Contract) -> None:
        super().__init__(LABELS, contract=contract)
        rows = np.random.default_rng(0).random((64, LABELS), np.float32) ** 300
        self._rows: NDArray[np.float32] = rows

    def score(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """One of 64 rows, turned: all different."""
        number = int.from_bytes(pixels.reshape(-1)[:4].tobytes(), "little")
        return np.roll(self._rows[number % 64], number)


def make_model(folder: Path) -> Model:
    """A folder that looks like a model's, without weights."""
    folder.mkdir(exist_ok=True)
    with (folder / "selected_tags.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("tag_id", "name", "category", "count"))
        ratings = ("general", "sensitive", "questionable", "explicit")
        for number in range(LABELS):
            word = f"{WORDS[number % 10]}_{NOUNS[number // 10 % 10]}_{number}"
            name, category = (ratings[number], 9) if number < 4 else (word, 4 * (number > 8110))
            rows.writerow((number, name, category, 9))
    (folder / "model.onnx").write_bytes(b"weights")
    contract = Contract(preprocess=Preprocess(size=(8, 8)))
    return Model("likely", ModelSpec("likely", (contract,)), folder, (contract,))


def make_pictures(place: Path, count: int, layout: str) -> None:
    """Write `count` pictures of 8 x 8 pixels, in folders of a thousand or in one."""
    with io.BytesIO() as memory:
        Image.new("RGB", (8, 8)).save(memory, "BMP")
        data = bytearray(memory.getvalue())
    start = int.from_bytes(data[10:14], "little")
    for number in range(count):
        folder = place / f"{number // IN_A_FOLDER:04}" if layout == "nested" else place
        if number % IN_A_FOLDER == 0:
            folder.mkdir(parents=True, exist_ok=True)
        # BMP's rows go upward: these are the first pixels of the last row that is stored
        data[start + 7 * 24 : start + 7 * 24 + 3] = (number & 0xFFFFFF).to_bytes(3, "little")
        path = os.path.join(folder, f"{number}.bmp")  # noqa: PTH118 - a Path each takes longer
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(data)
        os.utime(path, (1e9, 1e9))  # a hash is remembered only of files that have settled


@contextlib.contextmanager
def running(place: Path, model: Model, threshold: float) -> Iterator[Callable[[], str]]:
    """Caption the pictures of a place over what is there; gives what to call for a summary."""
    captioner = Captioner(Settings(Selection(threshold=threshold)), model.labels, model.thresholds)
    with Store() as store, Journal() as journal:
        tagger = Tagger(model, Likely(model.contracts[0]))
        with Pipeline(tagger) as pipeline:
            recall = Recall(Memory(store, model, captioner), lambda: (pipeline, model.contracts[0]))
            job = FolderJob((place,), Folder(on_existing="overwrite"))

            def run() -> str:
                running = caption_folder(job, recall, captioner, journal)
                for _ in running:
                    pass
                done = running.summary
                assert not done.failures, next(iter(done.failures))
                assert not done.stopped, done.stopped
                return f"{done.written:,} written, {recall.inferred:,} inferred"

            yield run


def plan(place: Path, model: Model) -> str:
    """List what would be done."""
    return f"{plan_folder(FolderJob((place,))).tally().total():,} planned"


def caption(place: Path, model: Model) -> str:
    """Caption a new folder."""
    with running(place, model, 0.35) as run:
        return run()


def rewrite(place: Path, model: Model) -> str:
    """Caption it again with another threshold."""
    with running(place, model, 0.4) as run:
        return run()


def unchanged(place: Path, model: Model) -> str:
    """Caption it once more with the same one."""
    return rewrite(place, model)


def taken_back(place: Path, model: Model) -> str:
    """Undo the last run."""
    with Journal() as journal:
        return f"{sum(1 for _ in undo(journal, journal.find().run)):,} taken back"


ACTS: dict[str, Callable[[Path, Model], str]] = {
    "plan": plan,
    "caption": caption,
    "rewrite": rewrite,
    "unchanged": unchanged,
    "undo": taken_back,
}


def measure(act: str, place: Path, home: Path) -> dict[str, Any]:
    """Do one act in this process; seconds, CPU seconds, and MiB beyond what it began with."""
    os.environ["TAGGER_HOME"] = str(home)
    model = make_model(home.parent / "model")
    Captioner(Settings(), model.labels, model.thresholds)  # the labels, and what belongs to them
    for library in ("torch", "torchvision", "cv2"):  # a long run takes up what decodes faster
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    before, wall, cpu = peak(), time.monotonic(), time.process_time()
    said = ACTS[act](place, model)
    return {
        "said": said,
        "wall": time.monotonic() - wall,
        "cpu": time.process_time() - cpu,
        "mib": peak() - before,
    }


def peak() -> float:
    """The most memory this process held so far, in MiB."""
    with contextlib.suppress(OSError):  # the system's other figure begins with the parent's
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / (1 << 10)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def child(act: str, place: Path, home: Path) -> dict[str, Any]:
    """Measure one act in a process of its own."""
    words = [sys.executable, __file__, "--act", act, "--place", str(place), "--home", str(home)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sizes", nargs="*", type=int, default=[1_000, 10_000, 100_000])
    parser.add_argument("--layout", choices=("nested", "flat"), default="nested")
    parser.add_argument("--acts", default=",".join(ACTS))
    parser.add_argument("--act", help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.act:
        print(json.dumps(measure(flags.act, flags.place, flags.home)))
        return
    print("| pictures | act | s | CPU µs each | MiB | |\n|--:|---|--:|--:|--:|---|")
    for size in flags.sizes:
        with tempfile.TemporaryDirectory() as folder:
            place, home = Path(folder) / "pictures", Path(folder) / "home"
            make_pictures(place, size, flags.layout)
            for act in flags.acts.split(","):
                got = child(act, place, home)
                each = 1e6 * got["cpu"] / size
                print(
                    f"| {size:,} | {act} | {got['wall']:.1f} | {each:,.0f} | {got['mib']:,.0f} "
                    f"| {got['said']} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
