"""Long paths get the prefix that Windows wants, and only there."""

from __future__ import annotations

import errno
import os
from pathlib import Path, PureWindowsPath

import pytest

from tagger.paths import cause_of, expanded, extended, openable

LONG = "x" * 200


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (rf"C:\{LONG}\{LONG}.png", rf"\\?\C:\{LONG}\{LONG}.png"),
        (rf"C:/{LONG}/{LONG}.png", rf"\\?\C:\{LONG}\{LONG}.png"),
        (rf"\\server\share\{LONG}\{LONG}", rf"\\?\UNC\server\share\{LONG}\{LONG}"),
        (rf"\\?\C:\{LONG}\{LONG}", rf"\\?\C:\{LONG}\{LONG}"),
        (r"C:\short.png", r"C:\short.png"),
        (rf"{LONG}\{LONG}", rf"{LONG}\{LONG}"),  # relative: the prefix would break it
    ],
)
def test_windows_paths_are_extended_past_their_limit(path: str, expected: str) -> None:
    """Drives, shares, those that have it already, short ones."""
    assert str(extended(PureWindowsPath(path))) == expected


@pytest.mark.skipif(os.name == "nt", reason="elsewhere a path is itself")
def test_elsewhere_a_path_is_itself() -> None:
    """Also a relative one, and one with a Windows look."""
    assert openable(f"a/{LONG}/{LONG}") == Path(f"a/{LONG}/{LONG}")
    assert openable(Path(r"C:\x")) == Path(r"C:\x")


@pytest.mark.parametrize(
    ("error", "phrase"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied"), "permission denied"),
        (OSError(errno.ENAMETOOLONG, "File name too long"), "the name is too long"),
        (OSError(errno.ETIMEDOUT, "Connection timed out"), "connection timed out"),
        (OSError("odd"), "the system refuses"),
    ],
)
def test_what_the_system_says_becomes_a_phrase(error: OSError, phrase: str) -> None:
    """The known ones in our words, others in the system's, lower case."""
    assert cause_of(error) == phrase


def test_a_locked_file_is_named_on_windows() -> None:
    """Windows' own number says more than EACCES."""
    error = PermissionError(errno.EACCES, "Permission denied")
    error.winerror = 32  # pyright: ignore[reportAttributeAccessIssue]
    assert cause_of(error) == "another program has it open"


def test_a_home_that_nobody_has_is_a_name_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model may be asked for by any text."""
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("USERPROFILE", "/home/me")
    assert expanded("~/models") == Path("/home/me/models")
    assert expanded("~no-such-user/models") == Path("~no-such-user/models")
