"""A path inside a model's folder, and no other."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from ..errors import ModelError


def inside(folder: Path, name: str) -> Path:
    """The file `name` of a folder, once it is sure that it lies in there, links followed.

    The snapshots of a Hugging Face cache may link to the blobs beside them.

    Raises:
        ModelError: absolute, with `..`, or a link that leads out.
    """
    plain = PurePosixPath(name)
    foreign = "\\" in name or "\0" in name or PureWindowsPath(name).drive
    if not plain.parts or plain.is_absolute() or ".." in plain.parts or foreign:
        raise ModelError(f"{folder}: expected a path inside the folder, got {name!r}")
    real, home = (folder / plain).resolve(), folder.resolve()
    blobs = home.parent.parent / "blobs" if home.parent.name == "snapshots" else home
    if home not in real.parents and blobs not in real.parents:
        raise ModelError(
            f"{folder}: expected {name} to lie inside, got a link to {real}: put the file there, "
            f"or link the whole folder"
        )
    return folder / plain
