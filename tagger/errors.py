"""What can go wrong, each as one sentence that a person can act on.

TaggerError
├── UsageError          what was asked for can't be done as asked; nothing was written
│   ├── ClosedError     a path lies outside the folders that a server may touch
│   ├── OptionError     a value outside its range, a pattern that does not compile
│   ├── LabelFileError  a label file that is not what its name says
│   ├── ModelError      an unknown model; a model folder that is foreign or contradicts itself
│   ├── RelationError   aliases or implications that go in a circle
│   └── DatasetError    metadata or a dataset that can't be used
├── ImageError          one picture can't be read
│   └── ImageSizeError  it has more pixels than may be decoded
├── CaptionError        one caption can't be read or written
├── DownloadError       a model's files did not arrive whole
├── BackendError        a device or an inference library refused
└── StoreError          the kept scores can't be used

The form of a sentence: "expected X, got Y: do Z", with the file, label or argument named.
The command line prints it and exits with 2 (`UsageError`, before anything ran) or 1.
"""

from __future__ import annotations

from pathlib import PurePath


class TaggerError(Exception):
    """Anything that a person can act on; its text is the sentence to show."""


class UsageError(TaggerError):
    """What was asked for can't be done as asked, and nothing was written."""


class ClosedError(UsageError):
    """A path lies outside the folders that a server may touch."""


class OptionError(UsageError, ValueError):
    """A setting is outside its range or can't be understood."""


class LabelFileError(UsageError):
    """A label file is not what its name says; the text names file, row and expectation."""


class ModelError(UsageError):
    """A model is unknown, or its folder is incomplete, foreign or contradicts itself."""


class RelationError(UsageError):
    """Aliases or implications go in a circle; the text shows the path."""


class DatasetError(UsageError):
    """Metadata or a dataset can't be used."""


class ImageError(TaggerError):
    """One picture can't be read.

    `path` is the file, or a word such as "upload" for bytes; `cause` is a sentence's tail
    without the path: "truncated file".
    """

    def __init__(self, path: str | PurePath, cause: str) -> None:
        super().__init__(f"{path}: {cause}")
        self.path = path
        self.cause = cause

    def __reduce__(self) -> tuple[type[ImageError], tuple[str | PurePath, str]]:
        return type(self), (self.path, self.cause)


class ImageSizeError(ImageError):
    """One picture has more pixels than may be decoded."""


class CaptionError(TaggerError):
    """One caption can't be read or written."""


class DownloadError(TaggerError):
    """A model's files did not arrive whole; nothing half-finished is left in use."""


class BackendError(TaggerError):
    """A device or an inference library refused."""


class StoreError(TaggerError):
    """The kept scores can't be used."""


def unlike_torch(error: BaseException) -> str:
    """A sentence where torch and torchvision are of two kinds; empty where it is another error.

    torchvision says so in words of its own: an operator that is not there, two versions of CUDA.
    """
    marks = ("operator torchvision::", "torchvision were compiled", "torchvision versions are inc")
    if not any(mark in str(error) for mark in marks):
        return ""
    from importlib.metadata import PackageNotFoundError, version

    found: list[str] = []
    for name in ("torch", "torchvision"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"a {name} of no version")
    return (
        f"expected torch and torchvision of one kind, got {' and '.join(found)}: install both "
        f"again, from one list of wheels (https://pytorch.org/get-started/locally)"
    )
