"""The model alone on prepared pictures, as Tagger runs it: what is left when all else is free.

With --decode, all else alone: every picture opened and made ready as Tagger does, no model.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

from stopwatch import Stopwatch, arguments, pictures

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))


def main() -> None:
    """Use every core, a thread each, for a queue of the folder's pictures."""
    parser = arguments(__doc__)
    parser.add_argument("--decode", action="store_true")
    asked = parser.parse_args()
    import cv2  # noqa: F401
    import torch  # noqa: F401

    from tagger.backends import open_backend
    from tagger.engine import Tagger
    from tagger.images import open_quickly
    from tagger.models.registry import default_registry

    model = default_registry().find(str(asked.model), allow_paths=True)
    tagger = Tagger(model, open_backend(model))
    files = pictures(asked.pictures)
    few = [tagger.fit(open_quickly(path))[None] for path in files[:8]]
    watch = Stopwatch()
    if asked.decode:
        _share(files, lambda path: tagger.fit(open_quickly(path)), tagger.backend.streams, watch)
    else:
        batches = [few[number % len(few)] for number in range(len(files))]
        _share(batches, tagger.backend.run, tagger.backend.streams, watch)
    watch.report()


def _share(work: list, task: Callable, threads: int, watch: Stopwatch) -> None:
    left, lock = iter(work), threading.Lock()

    def take() -> None:
        while True:
            with lock:
                one = next(left, None)
            if one is None:
                return
            task(one)
            with lock:
                watch.mark()

    started = [threading.Thread(target=take) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


if __name__ == "__main__":
    main()
