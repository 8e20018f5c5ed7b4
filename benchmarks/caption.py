"""How fast folders are captioned: `python benchmarks/caption.py WORK --imgutils PYTHON ...`.

Every contestant gets the same pictures and the same weights, in a process and with an interpreter
of its own, in interleaved rounds, so that a machine that slows down slows all of them. WORK keeps
the drawn pictures, the models with random weights and `results.jsonl`, from which `--table` prints.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from captioning.pictures import make as make_pictures
from captioning.results import ALONE, EIGHT, IMPORTED, OPENVINO, OURS, table

HERE = Path(__file__).resolve().parent / "captioning"
COUNTS = {"vit-tiny": 48, "mobilenetv3-small": 160, "vit-base": 12}
"""Pictures of a round: so many that it takes seconds, and few enough for many rounds."""
WARM_SHARE = 7
"""One in so many pictures comes before the clock starts."""


@dataclass(frozen=True)
class Contestant:
    """A runner below `captioning`, the interpreter that runs it, and its options."""

    name: str
    runner: str
    python: str = sys.executable
    options: tuple[str, ...] = ()
    share: int = 1
    """One in so many pictures is enough to time one that is slow."""

    def run(self, model: Path, pictures: list[Path], scratch: Path) -> dict[str, Any]:
        """Caption copies of the pictures below `scratch`; what it cost."""
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            own = Path(folder, "pictures")
            own.mkdir()
            for path in pictures:
                os.link(path, own / path.name)
            command = [self.python, str(HERE / f"{self.runner}.py"), *self.options]
            command += ["--model", str(model), "--pictures", str(own)]
            began = time.time()
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{self.name}: {done.stderr[-3000:]}")
            return _figures(json.loads(done.stdout.rpartition("\n{")[2].join(["{", ""])), began)


def _figures(said: dict[str, Any], began: float) -> dict[str, Any]:
    """Speed and CPU-seconds between two captions, the first ones left out; the rest of all."""
    marks = said["marks"]
    found = {"first_s": marks[0][0] - began, "peak_mb": said["peak_kb"] / 1e3}
    warm = -(-len(marks) // WARM_SHARE // 2) * 2
    if warm and len(marks) > 2:
        (at, cpu), (end, cpu_end) = marks[warm - 1], marks[-1]
        count = len(marks) - warm
        found |= {"per_second": count / (end - at), "cpu_s": (cpu_end - cpu) / count}
    return found


def contestants(asked: argparse.Namespace) -> tuple[list[Contestant], list[Contestant]]:
    """Those that caption a folder, and those that caption one picture as soon as they can."""
    peers: list[Contestant] = []
    if asked.kohya:
        python, repository = asked.kohya
        own = ("--repository", repository)
        eight = ("--options", "--batch_size 8 --max_data_loader_n_workers 2")
        peers.append(Contestant("kohya", "run_kohya", python, own))
        peers.append(Contestant(f"kohya{EIGHT}", "run_kohya", python, (*own, *eight)))
    if asked.imgutils:
        peers.append(Contestant("imgutils", "run_imgutils", asked.imgutils))
    if asked.wdtagger:
        peers.append(Contestant("wdtagger", "run_wdtagger", asked.wdtagger, share=8))
    alone: list[Contestant] = []
    if asked.alone:
        ours, theirs = asked.alone
        alone.append(Contestant(f"{OURS}{ALONE}", "run_tagger", ours))
        alone.append(Contestant(f"imgutils{ALONE}", "run_imgutils", theirs))
    other = ("--imported", "--device", "openvino")
    openvino = [Contestant(f"{OURS}{IMPORTED}{OPENVINO}", "run_tagger", asked.tagger, other)]
    folder = [
        Contestant("forward only", "run_forward", asked.tagger),
        Contestant("decode only", "run_forward", asked.tagger, ("--decode",)),
        Contestant(f"{OURS}{IMPORTED}", "run_tagger", asked.tagger, ("--imported",)),
        Contestant(OURS, "run_tagger", asked.tagger),
        *(openvino if asked.openvino else []),
        *peers,
        *alone,
    ]
    first = [Contestant(OURS, "run_tagger", asked.tagger, ("--first",))]
    first += [peer for peer in peers if EIGHT not in peer.name]
    first += [replace(one, options=("--first",) if OURS in one.name else ()) for one in alone]
    return folder, first


def main() -> None:
    """Run the rounds that were asked for, adding a line for each run; then print the table."""
    asked = _parse()
    results = asked.work / "results.jsonl"
    asked.work.mkdir(parents=True, exist_ok=True)
    if not asked.table:
        pictures = make_pictures(asked.work / "pictures", max(COUNTS.values()))
        _make_models(asked, pictures)
        done = _rounds(results)
        for number in range(asked.rounds):
            for model in asked.models:
                _round(asked, done[model] + number, model, pictures, results)
    print(table([json.loads(line) for line in results.read_text().splitlines()]))


def _rounds(results: Path) -> Counter[str]:
    """How many rounds of each model were begun before."""
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    pairs = {(row["model"], row["round"]) for row in map(json.loads, lines)}
    return Counter(model for model, _ in pairs)


def _round(
    asked: argparse.Namespace, number: int, model: str, pictures: list[Path], results: Path
) -> None:
    folder, first = contestants(asked)
    if model == "vit-base":  # eight of them at once take a minute
        folder = [one for one in folder if EIGHT not in one.name]
    some = pictures[: COUNTS[model]]
    runs = [("folder", one, some[: max(6, len(some) // one.share)]) for one in folder]
    runs += [("first", one, pictures[:1]) for one in first]
    at = number % len(runs)  # nobody is always the one after the same other
    for what, one, some in (*runs[at:], *runs[:at]):
        load = os.getloadavg()[0]
        found = one.run(asked.work / "models" / model, some, asked.work)
        about = {"model": model, "what": what, "name": one.name, "round": number, "load": load}
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(about | found) + "\n")
        shown = ", ".join(f"{key} {value:.3g}" for key, value in found.items())
        print(f"{model} {what} {one.name}: {shown}, load {load:.1f}", flush=True)


def _make_models(asked: argparse.Namespace, pictures: list[Path]) -> None:
    maker = [asked.tagger, str(HERE / "models.py"), str(asked.work / "models")]
    few = [str(path) for path in pictures[:6]]
    subprocess.run([*maker, *few], check=True, capture_output=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder for pictures, models and results")
    parser.add_argument("--tagger", default=sys.executable, help="Python with torch and OpenCV")
    parser.add_argument("--openvino", action="store_true", help="Tagger by OpenVINO, too")
    parser.add_argument("--kohya", nargs=2, metavar=("PYTHON", "REPOSITORY"), default=None)
    parser.add_argument("--imgutils", metavar="PYTHON")
    parser.add_argument("--wdtagger", metavar="PYTHON")
    parser.add_argument(
        "--alone",
        nargs=2,
        metavar=("TAGGER", "IMGUTILS"),
        help="Pythons where torch is not installed: imgutils imports it where it is",
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", nargs="+", choices=[*COUNTS], default=[*COUNTS])
    parser.add_argument("--table", action="store_true", help="print what was measured before")
    return parser.parse_args()


if __name__ == "__main__":
    main()
