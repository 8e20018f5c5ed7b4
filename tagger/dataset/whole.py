"""A folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import DatasetError
from ..folder.strays import beside, sweep


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder beside `out` to write into, which becomes `out` at the end, or vanishes.

    What killed runs left there is swept away.

    Raises DatasetError if `out` is there and not an empty folder.
    """
    out = Path(os.path.abspath(out))  # noqa: PTH100  links stay as named
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise DatasetError(
            f"{out}: expected a new or empty folder, got one with something in it: choose another"
        )
    made = Path(beside(str(out)))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        sweep(out.parent)
        made.mkdir()
    except OSError as error:
        raise DatasetError(
            f"{out}: expected a folder that can be made, got {error.strerror}"
        ) from error
    try:
        yield made
        if out.exists():
            out.rmdir()
        made.rename(out)
    finally:
        shutil.rmtree(made, ignore_errors=True)
