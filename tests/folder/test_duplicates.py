"""Pictures that are there twice are found by their bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.folder import duplicates
from tagger.folder.duplicates import find_duplicates


def test_pictures_of_the_same_bytes_are_grouped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has its size alone is not read."""
    contents = {"a": b"one", "b": b"two", "c": b"one", "d": b"longer", "e": b"one", "f": b"two"}
    paths = {name: tmp_path / f"{name}.png" for name in contents}
    for name, data in contents.items():
        paths[name].write_bytes(data)
    read: list[Path] = []
    real = duplicates.content_hash

    def hashed(path: Path) -> str:
        read.append(path)
        return real(path)

    monkeypatch.setattr(duplicates, "content_hash", hashed)
    found = find_duplicates(paths.values())

    assert found.groups == [(paths["a"], paths["c"], paths["e"]), (paths["b"], paths["f"])]
    assert found.unread == []
    assert paths["d"] not in read


def test_what_can_not_be_read_is_named_and_stops_nothing(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"same")
    found = find_duplicates([tmp_path / "gone.png", tmp_path / "a.png", tmp_path / "b.png"])
    assert found.groups == [(tmp_path / "a.png", tmp_path / "b.png")]
    assert found.unread == [(tmp_path / "gone.png", "no such file or folder")]
