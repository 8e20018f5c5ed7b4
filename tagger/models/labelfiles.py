"""A label file of any known kind becomes a LabelSet; what is in it says which kind it is.

Read downward: `labelcategories` names categories, `labeltables`, `labeljson`, `labeltext` and
`labelweights` each read what their name says. Row order is the order of the model's outputs, so
nothing sorts or drops a row unless the file numbers its rows itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from ..errors import LabelFileError
from ..labels import DANBOORU, Category, LabelSet
from . import labeljson, labeltables, labeltext, labelweights

Scheme = tuple[Category, ...]
Reader = Callable[[Path, Scheme], LabelSet]

# The ending of a name -> its reader. One line for one kind of bytes.
READERS: dict[str, Reader] = {
    ".csv": labeltables.read,
    ".json": labeljson.read,
    ".txt": labeltext.read,
    ".safetensors": labelweights.read_safetensors,
    ".pt": labelweights.read_torch,
}


def read_labels(path: Path, scheme: Sequence[Category] = DANBOORU) -> LabelSet:
    """Read a label file; `scheme` names the numbers in its category column.

    Raises:
        LabelFileError: the kind is unknown, or the file is not what its name says.
    """
    read = READERS.get(path.suffix.lower())
    if read is None:
        known = ", ".join(f"*{ending}" for ending in READERS)
        raise LabelFileError(f"{path}: expected a label file ({known}), got another kind")
    try:
        stat = path.stat()
    except OSError:
        return read(path, tuple(scheme))  # says in a sentence what is wrong
    return _read(read, path, tuple(scheme), (stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=8)
def _read(read: Reader, path: Path, scheme: Scheme, state: tuple[int, int]) -> LabelSet:
    """Read a file in the `state` (mtime, size) that it is in, once: it takes a tenth of a second.

    Whoever finds a model counts its labels, whoever opens it names its outputs by them.
    """
    return read(path, scheme)
