"""Tagger as its users run it: `tagger caption FOLDER --model MODEL`.

With --imported, torch and OpenCV are there before it starts, as they are inside a WebUI, and as
they come to be in the course of a long run. With --first, `tagger tag` for a single picture. With
--device, the library that this names computes.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from stopwatch import Stopwatch, arguments, pictures

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))


def main() -> None:
    """Caption a folder with a home of its own, beside it."""
    parser = arguments(__doc__)
    parser.add_argument("--imported", action="store_true")
    parser.add_argument("--first", action="store_true")
    parser.add_argument("--device", default="auto")
    asked = parser.parse_args()
    os.environ["TAGGER_HOME"] = f"{asked.pictures}-home"
    if asked.imported:
        import cv2  # noqa: F401
        import torch  # noqa: F401
    watch = Stopwatch()
    options = ("--model", str(asked.model), "--device", asked.device)
    if asked.first:
        _run("tag", *map(str, pictures(asked.pictures)), *options)
        watch.mark()
    else:
        _caption(asked.pictures, options, watch)
    watch.report()


def _caption(folder: Path, options: tuple[str, ...], watch: Stopwatch) -> None:
    @contextlib.contextmanager
    def progress(title: str, unit: str) -> Iterator[Callable[[int, int, str], None]]:
        yield lambda done, total, note: watch.mark(done - len(watch.marks))

    from tagger.cli import caption

    caption.progress = progress
    _run("caption", str(folder), *options)


def _run(*argv: str) -> None:
    from tagger.cli import main as tagger

    if code := tagger(argv):
        raise SystemExit(code)


if __name__ == "__main__":
    main()
