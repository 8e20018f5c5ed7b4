"""A label file of any known kind becomes a LabelSet; the kind is told by the file's name.

Row order is the order of the model's outputs, so nothing here sorts or drops a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import LabelFileError
from ..labels import DANBOORU, Category, LabelSet, read_selected_tags

Reader = Callable[[Path, "tuple[Category, ...]"], LabelSet]

# The ending of a name -> its reader. One line for one kind; the first that fits reads.
READERS: tuple[tuple[str, Reader], ...] = ((".csv", read_selected_tags),)


def read_labels(path: Path, scheme: Sequence[Category] = DANBOORU) -> LabelSet:
    """Read a label file; `scheme` names the numbers in its category column.

    Raises:
        LabelFileError: the kind is unknown, or the file is not what its name says.
    """
    for ending, read in READERS:
        if path.name.lower().endswith(ending):
            return read(path, tuple(scheme))
    known = ", ".join(f"*{ending}" for ending, _ in READERS)
    raise LabelFileError(f"{path}: expected a label file ({known}), got another kind")
