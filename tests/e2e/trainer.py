"""Stands in for a Python that trains: the files of a training, without torch and in a second.

--wait goes on until the file `stop` is there; --deaf does not look for it, and hears a signal.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[2]


def main(argv: list[str]) -> int:
    """As `python -c ...` asks what is installed, and as `python -m tagger.train` trains."""
    if argv[0] == "-c":
        print(json.dumps(["/stand-in", [3, 12], []]))
        return 0
    if "--wrong" in argv:
        at = argv.index("--wrong")
        print(f"tagger: no flag such as {' '.join(argv[at : at + 2])}", file=sys.stderr)
        return 2
    if "--dry-run" in argv:
        print("3 epochs of 40 pictures")
        return 0
    return train(Path(argv[argv.index("--out") + 1]), argv)


def train(run: Path, argv: list[str]) -> int:
    """Write what a training writes."""
    again = "--resume" in argv
    for name in ("checkpoints", "samples"):
        (run / name).mkdir(parents=True, exist_ok=True)
    (run / "stop").unlink(missing_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: stopped(run))
    (run / "run.json").write_text(json.dumps({"config": {"epochs": 3}}))
    print("learning <img src=x onerror=tgPwned=1>", flush=True)
    for epoch in range(1, 4):
        record(run, kind="step", epoch=epoch - 0.5, step=2 * epoch - 1, loss=9 / epoch,
               images_per_second=12.5)  # fmt: skip
        record(run, kind="epoch", epoch=epoch, step=2 * epoch, loss=8 / epoch,
               calibration_loss=9 / epoch, calibration_map=0.4 + epoch / 10)  # fmt: skip
        Image.new("RGB", (60, 40), "teal").save(run / "samples" / f"epoch-{epoch:04}.png")
    while "--wait" in argv and not again and ("--deaf" in argv or not (run / "stop").exists()):
        time.sleep(0.05)
    shutil.copytree(ROOT / "tagger" / "demo" / "model", run / "model")
    return 0


def stopped(run: Path) -> None:
    """As a training that is told to end: a checkpoint, and a word."""
    (run / "checkpoints" / "last.safetensors").write_bytes(b"weights")
    print("tagger: stopped after step 6: --resume goes on from there", file=sys.stderr, flush=True)
    raise SystemExit(143)


def record(run: Path, **values: object) -> None:
    """A line of progress.jsonl."""
    with (run / "progress.jsonl").open("a") as file:
        file.write(json.dumps({"time": time.time(), **values}) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:] if sys.argv[1:2] == ["-m"] else sys.argv[1:]))
