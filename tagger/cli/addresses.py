"""Sources that are named by an address: looked at, and brought here, before a verb reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..booru.remote import Remote, bring, look
from ..booru.stores import is_address, shown
from ..bytecount import readable
from ..errors import UsageError
from .screen import progress


def looked_at(argv: Sequence[str], sources: Sequence[Path]) -> Mapping[Path, Remote | Path]:
    """What lies at those of the sources that are addresses, as they were written.

    A path drops one of two slashes, so the address is looked up among the words of `argv`.
    """
    written = {Path(word): word for word in argv if is_address(word)}
    return {source: look(written[source]) for source in sources if source in written}


def check_images(
    images: Sequence[Path], found: Mapping[Path, Remote | Path], *, unseen: bool
) -> None:
    """Refuse pictures at an address. Raises UsageError."""
    wanted = any(isinstance(each, Remote) for each in found.values()) and not images and not unseen
    if wanted or any(is_address(_with_slashes(folder)) for folder in images):
        raise UsageError(
            "--images: expected a folder for the pictures, since a training reads them again and "
            "again: `tagger dataset download` brings them; --unseen looks at none"
        )


def still_to_come(found: Mapping[Path, Remote | Path]) -> str:
    """A sentence about what was not brought yet; empty where all of it is here."""
    parts = [
        f"{shown(remote.address)}: {_files(len(remote.missing))}, "
        f"{readable(sum(file.size or 0 for file in remote.missing))}, to be brought to "
        f"{remote.local.parent}"
        for remote in found.values()
        if isinstance(remote, Remote) and remote.missing
    ]
    return "; ".join(parts)


def brought(sources: Sequence[Path], found: Mapping[Path, Remote | Path]) -> tuple[Path, ...]:
    """The sources, each on the disk."""
    return tuple(_here(found.get(source, source)) for source in sources)


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def _with_slashes(path: Path) -> str:
    """What may have been an address before it was taken for a path."""
    first, *rest = path.parts or ("",)
    return f"{first}//{'/'.join(rest)}"


def _here(source: Remote | Path) -> Path:
    if isinstance(source, Path):
        return source
    with progress("Bringing", "bytes") as tell:
        return bring(source, tell)
