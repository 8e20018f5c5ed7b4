"""What a build will need of the disk, of memory and of time, before anything of it is done.

Guessed from the beginnings of the files and a list of the pictures; what was measured says
docs/performance.md.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from ..booru.files import Metadata
from ..booru.sizes import guess_posts
from ..bytecount import readable
from ..errors import DatasetError
from . import places
from .buildoptions import BuildOptions

_MEASURED = np.array(
    [[0, 1, 0.3], [100_000, 24, 0.7], [1_000_000, 70, 1.3], [4_000_000, 246, 2.4], [8e6, 528, 3.4]]
)
"""Posts, seconds of the processor, GiB at the peak; beyond the last as from one to the next."""
DISK = 350
"""Bytes that a post takes on the disk while it is built, measured at two, four, eight million."""
HEADER_S, WHOLE_S = 0.0001, 0.006
"""Seconds of the processor that a picture takes: its header, and all of a JPEG of 850 x 1200."""
LISTED = 200_000
"""Pictures that are counted; where there are more, each post is taken to have one."""


@dataclass(frozen=True)
class Estimate:
    """What a build needs, roughly.

    posts: in the sources. pictures: to be looked at. disk, memory: bytes at the peak. seconds: of
    one processor. free: bytes on the disk of the DATASET to be.
    """

    posts: int
    pictures: int
    disk: int
    memory: int
    seconds: float
    free: int

    def __str__(self) -> str:
        """One sentence."""
        looked = f" and {self.pictures:,} pictures to look at" if self.pictures else ""
        return (
            f"about {self.posts:,} posts{looked}: needs about "
            f"{readable(self.disk)} of disk ({readable(self.free)} are free), "
            f"{readable(self.memory)} of memory, {_time(self.seconds)}"
        )


def estimate(options: BuildOptions, files: Sequence[Sequence[Metadata]]) -> Estimate:
    """What a build with these options needs, roughly; `files` are those of each source."""
    posts = sum(map(guess_posts, files))
    pictures = 0 if options.unseen else _pictures(options.picture_folders, posts)
    posts = posts or pictures  # sources that are lists of pictures, or captions beside them
    seconds, memory = (_at(posts, column) for column in (1, 2))
    whole = options.whole_pictures or options.alike
    return Estimate(
        posts,
        pictures,
        posts * DISK,
        round(memory * 2**30),
        seconds + pictures * (WHOLE_S if whole else HEADER_S),
        shutil.disk_usage(_there(options.out)).free,
    )


def check_room(expected: Estimate, out: Path) -> None:
    """Refuse a build for which the disk has no room. Raises DatasetError."""
    if expected.disk > expected.free:
        raise DatasetError(
            f"{out}: expected about {readable(expected.disk)} free on its disk, got "
            f"{readable(expected.free)}: make room or name a folder on another disk"
        )


def _at(posts: int, column: int) -> float:
    """The measured figure at a number of posts, between and beyond the measured ones."""
    numbers, values = _MEASURED[:, 0], _MEASURED[:, column]
    slope = (values[-1] - values[-2]) / (numbers[-1] - numbers[-2])
    beyond = max(0.0, posts - numbers[-1]) * slope
    return float(np.interp(posts, numbers, values) + beyond)


def _pictures(folders: Sequence[Path], posts: int) -> int:
    """Pictures below the folders, at most one a post where posts are known."""
    count = 0
    for folder in dict.fromkeys(folders):
        with suppress(DatasetError, OSError):  # a folder that is not there, the build refuses
            count += sum(1 for _ in islice(places.walk(folder), LISTED + 1 - count))
    if not posts:
        return count
    return posts if count > LISTED else min(count, posts)


def _there(path: Path) -> Path:
    """The nearest folder above that exists."""
    path = path.absolute()
    return next(above for above in (path, *path.parents) if above.is_dir())


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s of a processor"
    minutes = round(seconds / 60)
    return (
        f"{minutes} min of a processor" if minutes < 120 else f"{minutes / 60:.1f} h of a processor"
    )
