"""What a person may set: Settings decide a caption, Folder where it goes, Runtime what runs it.

Defaults stand here and in `thresholds` and `caption`; a changed default changes people's
datasets and is a breaking change. Presets are these, as JSON, through `options`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .caption import CaptionFormat
from .errors import OptionError
from .options import check, option
from .relations import Mode
from .thresholds import Selection

Precision = Literal["auto", "fp32", "fp16", "bf16"]
OnExisting = Literal["skip", "overwrite", "update", "append", "prepend"]

# A caption must never take a picture's place; what `images` reads is decided below this room.
# fmt: off
_PICTURES = frozenset((
    ".apng", ".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".ico", ".jfif", ".jpe",
    ".jpeg", ".jpg", ".jxl", ".png", ".ppm", ".psd", ".tga", ".tif", ".tiff", ".webp",
))
# fmt: on


@dataclass(frozen=True)
class Settings:
    """All that decides a caption, given the scores; two equal Settings give equal captions."""

    selection: Selection = option(factory=Selection, help="Which scores become tags.")
    format: CaptionFormat = option(factory=CaptionFormat, help="How the tags are written.")
    implied: Mode = option(
        "off",
        help="What is done with a tag and those it implies; inherit: they get at least its "
        "score; constrain: it gets at most theirs; remove: they are not written.",
    )
    series: bool = option(
        False,
        help="Write what a character belongs to: as the model or the relations say, "
        "else what its name has in the last brackets.",
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Folder:
    """Where the captions of a folder of pictures go."""

    out: Path | None = option(
        None,
        help="Folder for the captions, in the same sub-folders; without it beside the picture.",
    )
    on_existing: OnExisting = option(
        "skip",
        help="What is done where a caption is there; update: rewritten if Tagger wrote it and "
        "nobody edited it since; append and prepend add what it lacks.",
    )
    extension: str = option(".txt", help="Ending of a caption file's name.")
    recursive: bool = option(True, help="Go into sub-folders.")
    newline: bool = option(False, help="End the file with a line break.")
    encoding: str = option(
        "utf-8", help="Encoding of the captions that are there; they are written as UTF-8."
    )
    name: str = option(
        "",
        help="Name of a caption file, of [name] [extension] [hash:ALG] [output_extension] "
        "[parent] [index]; without it the picture's own.",
    )
    json_sidecar: bool = option(
        False, help="Write the scores too, as JSON in a file of the caption's name."
    )

    def __post_init__(self) -> None:
        check(self)
        ending = "." + self.extension.removeprefix(".")
        if self.json_sidecar and ending.lower() == ".json":
            raise OptionError("json_sidecar: expected captions of another extension than .json")
        if not ending.strip(". ") or set(ending) & set('/\\:*?"<>|\0\r\n') or ending[-1] in ". ":
            raise OptionError(
                f"extension: expected the ending of a file name, such as .txt, got "
                f"{self.extension!r}"
            )
        if Path(f"x{ending}").suffix.lower() in _PICTURES:
            raise OptionError(
                f"extension: expected the ending of a text file, such as .txt, got "
                f"{self.extension!r}, which is a picture's"
            )
        object.__setattr__(self, "extension", ending)
        try:
            "".encode(self.encoding)
        except (LookupError, ValueError):
            raise OptionError(
                f"encoding: expected the name of one, such as cp932, got {self.encoding!r}"
            ) from None


@dataclass(frozen=True)
class Runtime:
    """What runs a model, and how long it stays."""

    device: str = option(
        "auto", help="auto, cpu, a kind such as cuda, or one device such as cuda:1."
    )
    precision: Precision = option(
        "auto",
        help="Of the numbers inside the model; auto: what the device is good at. bf16 on a "
        "processor: by OpenVINO, twice as fast, scores move by some thousandths.",
    )
    batch: int = option(0, help="Pictures at once; 0: what suits the device.", ge=0)
    threads: int = option(0, help="Threads of the processor; 0: what suits it.", ge=0)
    streams: int = option(
        0,
        help="Pictures at once on a processor, which share its threads; 0: one for each thread, "
        "the fastest for many.",
        ge=0,
    )
    keep: Literal["device", "ram", "none"] = option(
        "ram", help="Where a model waits after use: on the device, in main memory, or nowhere."
    )
    roots: tuple[Path, ...] = option(
        (), help="Folders in which a server may read and write; on a command line all are open."
    )

    def __post_init__(self) -> None:
        check(self)
