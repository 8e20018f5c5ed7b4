"""What decoding and resizing cost: `python benchmarks/decoding.py PICTURES [--model FOLDER]`.

CPU milliseconds a picture on one core, the least of some interleaved rounds, for the libraries
installed here; and how far the pixels lie from those of Pillow alone. With a model, its tags of
both are compared as well.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tagger.images import open_image, open_quickly, quick  # noqa: E402 - the checkout beside us
from tagger.preprocess import WD, fit  # noqa: E402

WAYS = {
    "Pillow alone": (),
    "isal": ("isal",),
    "isal, torch": ("isal", "torch"),
    "isal, torch, OpenCV": ("isal", "torch", "cv2"),
    "isal, torch, torchvision": ("isal", "torch", "torchvision.io"),
}
ROUNDS = 3
THRESHOLD = 0.35


def main() -> None:
    """Print a line for each way, by kinds of file."""
    asked = _parse()
    if asked.way is not None:
        _measure(asked)
        return
    files = [str(path) for path in asked.pictures.iterdir() if path.suffix != ".txt"]
    print("| | all | .jpg | .png | .webp | most, mean levels off |\n|---|---|---|---|---|---|")
    least: dict[str, dict[str, float]] = {way: {} for way in WAYS}
    far: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for way in WAYS:
            command = [sys.executable, __file__, str(asked.pictures), "--way", way]
            done = subprocess.run(
                command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True
            )
            if done.returncode:  # not installed
                continue
            said = json.loads(done.stdout.splitlines()[-1])
            far[way] = said["far"]
            for name, ms in said["ms"].items():
                least[way][name] = min(ms, least[way].get(name, ms))
    for way, found in least.items():
        kinds = [[ms for name, ms in found.items() if name.endswith(kind)] for kind in _KINDS]
        if found:
            cells = " | ".join(f"{np.mean(kind):.1f}" for kind in kinds)
            print(f"| {way} | {cells} | {far[way][0]:.0f}, {far[way][1]:.4f} |")
    if asked.model:
        print(_flips([Path(name) for name in sorted(files)], asked.model))


_KINDS = ("", ".jpg", ".png", ".webp")


def _measure(asked: argparse.Namespace) -> None:
    """The time of each picture by one way, in a process that has imported no other library."""
    if "isal" not in WAYS[asked.way]:  # the first PNG would import it
        quick.is_installed = lambda: False
    for library in WAYS[asked.way]:
        __import__(library)
    taken: dict[str, float] = {}
    most, total, count = 0, 0.0, 0
    for path in sorted(asked.pictures.iterdir()):
        start = time.process_time()
        pixels = fit(open_quickly(path), WD, by="auto")
        taken[path.name] = 1000 * (time.process_time() - start)
        off = np.abs(pixels.astype(int) - fit(open_image(path), WD))
        most, total, count = max(most, int(off.max())), total + off.sum(), count + off.size
    print(json.dumps({"ms": taken, "far": [most, total / count]}))


def _flips(files: list[Path], folder: Path) -> str:
    """How many tags the fast way adds or loses, and how far its scores lie."""
    import cv2  # noqa: F401
    import torch  # noqa: F401

    from tagger.backends import open_backend
    from tagger.models.registry import default_registry

    backend = open_backend(default_registry().find(str(folder), allow_paths=True))
    flips, tags, most = 0, 0, 0.0
    for path in files:
        exact = backend.run(fit(open_image(path), WD)[None])
        fast = backend.run(fit(open_quickly(path), WD, by="auto")[None])
        flips += int(((exact > THRESHOLD) != (fast > THRESHOLD)).sum())
        tags += int((exact > THRESHOLD).sum())
        most = max(most, float(np.abs(exact - fast).max()))
    return f"{folder.name}: {flips} of {tags:,} tags flip, scores at most {most:.1e} apart"


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--way", choices=[*WAYS], help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
