"""Where our own things lie."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import pytest

from tagger.errors import UsageError
from tagger.home import PARTS, home, make, part


def test_home_is_what_the_variable_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TAGGER_HOME wins over the platform's folder."""
    monkeypatch.setenv("TAGGER_HOME", str(tmp_path / "mine"))

    assert home() == tmp_path / "mine"


def test_home_understands_the_users_folder_and_relative_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`~/x` and `x` become absolute, so that a later chdir changes nothing."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    monkeypatch.setenv("TAGGER_HOME", "~/x")
    assert home() == tmp_path / "x"
    monkeypatch.setenv("TAGGER_HOME", "x")
    assert home() == Path.cwd() / "x"


@pytest.mark.parametrize("unset", ["", "  ", None])
def test_home_is_the_platforms_data_folder_without_the_variable(
    unset: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty TAGGER_HOME is no TAGGER_HOME."""
    if unset is None:
        monkeypatch.delenv("TAGGER_HOME")
    else:
        monkeypatch.setenv("TAGGER_HOME", unset)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    found = home()

    assert found.is_absolute()
    assert found.name == "sd-webui-tagger"


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("named", [True, False])
def test_the_platforms_folder_is_the_one_platformdirs_names(
    system: str, named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hosts lack that library; who has it elsewhere finds the same folder."""
    pytest.importorskip("platformdirs", minversion="4.4")  # since then it hears XDG on a Mac
    kinds = {"linux": "unix.Unix", "darwin": "macos.MacOS", "win32": "windows.Windows"}
    module, _, kind = kinds[system].partition(".")
    monkeypatch.delenv("TAGGER_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    if system == "win32" or named:
        monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr("sys.platform", system)
    windows = importlib.import_module("platformdirs.windows")
    monkeypatch.setattr(windows, "get_win_folder", windows.get_win_folder_from_env_vars)

    theirs = getattr(importlib.import_module(f"platformdirs.{module}"), kind)

    assert home() == theirs("sd-webui-tagger", appauthor=False).user_data_path


def test_asking_makes_nothing(own_home: Path) -> None:
    """Every part has a place; no place exists before something is written."""
    assert [part(name).parent for name in PARTS] == [home()] * len(PARTS)
    assert not home().exists()


def test_make_makes_the_folder_and_gives_it_back() -> None:
    """Making twice is making once."""
    folder = part("scores") / "deep"

    assert make(folder) == folder
    assert make(folder).is_dir()


def test_a_home_that_is_a_file_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names the folder and what to set."""
    file = tmp_path / "file"
    file.write_text("x")
    monkeypatch.setenv("TAGGER_HOME", str(file))

    with pytest.raises(UsageError, match=r"expected to write to .*models.*set TAGGER_HOME"):
        make(part("models"))


def test_a_home_without_permission_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that exists and refuses writing is named (asked of the system: root may all)."""
    monkeypatch.setattr(os, "access", lambda *_: False)

    with pytest.raises(UsageError, match="set TAGGER_HOME"):
        make(tmp_path)


def test_an_unknown_part_is_refused() -> None:
    """A typing mistake does not become a folder."""
    with pytest.raises(ValueError, match="expected one of"):
        part("modles")  # pyright: ignore[reportArgumentType]
