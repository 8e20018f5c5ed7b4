"""The demo model against damaged copies of itself, on drawn pictures: the table of the document.

    python benchmarks/comparison.py WORK

WORK is made: a drawn booru, a DATASET, captions, a page. Prints the tables as Markdown.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from tagger.cli import main

COUNT, SEED = 240, 5
REPLACED = (0.1, 0.3)


def made(work: Path) -> Path:
    """The DATASET of drawn pictures, three fifths to be judged on."""
    dump, dataset = work / "dump", work / "dataset"
    if not dataset.is_dir():
        draw = ["demo", "draw", str(dump), "--count", str(COUNT), "--seed", str(SEED)]
        build = ["dataset", "build", str(dump), "--out", str(dataset)]
        shares = ["--validation", "0.6", "--calibration", "0.4"]
        every = ["--minimum-count", "1", "--maximum-share", "1.0"]
        for argv in ([*draw, "--aliases", "0.3"], [*build, *shares, *every]):
            assert main(argv) == 0
    return dataset


def captioned(work: Path, name: str, *flags: str) -> Path:
    """Captions of the pictures by the demo model."""
    folder = work / name
    if not folder.is_dir():
        argv = ["caption", str(work / "dump" / "images"), "--out", str(folder), "--model", "demo"]
        assert main([*argv, *flags]) == 0
    return folder


def damaged(work: Path, captions: Path, share: float) -> Path:
    """The captions with a share of their tags replaced by any other that occurs."""
    folder, rng = work / f"replaced {share:.0%}", random.Random(f"replaced {share}")
    texts = {path: path.read_text().split(", ") for path in sorted(captions.rglob("*.txt"))}
    every = sorted({tag for tags in texts.values() for tag in tags})
    for path, tags in texts.items():
        target = folder / path.relative_to(captions)
        target.parent.mkdir(parents=True, exist_ok=True)
        left = [rng.choice(every) if rng.random() < share else tag for tag in tags]
        target.write_text(", ".join(dict.fromkeys(left)))
    return folder


def run(work: Path) -> None:
    """Compare all of them; the tables go to WORK/compared.md, the page beside."""
    dataset = made(work)
    plain = captioned(work, "captions")
    words = ["demo", f"at 0.8={captioned(work, 'at 0.8', '--threshold', '0.8')}"]
    words += [str(damaged(work, plain, share)) for share in REPLACED]
    flags = [flag for word in words for flag in ("--contestant", word)]
    table, page = work / "compared.md", work / "compared.html"
    outputs = ["--markdown", str(table), "--html", str(page), "--timed", "0"]
    assert main(["compare", str(dataset), *flags, *outputs, "--work", str(work / "answers")]) == 0
    print(table.read_text())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("work", type=Path)
    run(parser.parse_args().work)
