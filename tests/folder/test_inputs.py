"""What a person names: paths as they are, patterns, lists; and which pictures are meant."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from tagger.errors import UsageError
from tagger.folder import FolderJob, Task, plan_folder
from tagger.folder.inputs import Sieve, expand


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """`set [1]` with a.png, b.jpg, notes.md and `deep/c.png`; beside it `set 1` with d.png."""
    for name in ("set [1]/a.png", "set [1]/b.jpg", "set [1]/notes.md", "set [1]/deep/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "set 1").mkdir()
    (tmp_path / "set 1" / "d.png").touch()
    return tmp_path


def below(root: Path, found: tuple[Path, ...]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in found]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("set [1]", ["set [1]"]),  # there, so no pattern
        ("set [1]/*.png", ["set [1]/a.png"]),  # its brackets are its name
        ("set [1]/[ab].*", ["set [1]/a.png", "set [1]/b.jpg"]),
        ("set [1]/*", ["set [1]/a.png", "set [1]/b.jpg", "set [1]/deep"]),
        ("set [1]/**/*.png", ["set [1]/a.png", "set [1]/deep/c.png"]),
        ("set ?", ["set 1"]),
        ("nothing there", ["nothing there"]),  # whoever checks it says so
    ],
)
def test_a_pattern_stands_for_what_fits(root: Path, word: str, expected: list[str]) -> None:
    """Pictures and folders; what is no picture is passed."""
    assert below(root, expand([root / word])) == expected


def test_several_words_name_each_thing_once(root: Path) -> None:
    """In the order in which they are named."""
    found = expand([root / "set 1", root / "set [[]1]/*.png", root / "set 1"])
    assert below(root, found) == ["set 1", "set [1]/a.png"]


def test_a_pattern_that_fits_nothing_is_refused(root: Path) -> None:
    """Rather than doing nothing in silence."""
    with pytest.raises(UsageError, match="got nothing that fits the pattern"):
        expand([root / "*.webp"])


def test_a_list_names_a_path_to_a_line(root: Path) -> None:
    """From its own folder; blank lines and quotation marks do not count."""
    file = root / "list.txt"
    file.write_text('\ufeffset [1]/a.png\n\n"set 1"\n', encoding="utf-8")
    assert below(root, expand([], [file])) == ["set [1]/a.png", "set 1"]
    file.write_text("set 1\nmissing.png\n")
    with pytest.raises(UsageError, match=r"list\.txt, line 2: .*missing\.png"):
        expand([], [file])
    with pytest.raises(UsageError, match="expected a list of paths, got no such file"):
        expand([], [root / "no.txt"])


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ([], [], ["a.png", "wip/b.png", "wip/old/c.jpg"]),
        (["*.png"], [], ["a.png", "wip/b.png"]),
        (["wip"], [], ["wip/b.png", "wip/old/c.jpg"]),
        (["wip/*"], ["old"], ["wip/b.png"]),
        ([], ["wip/old"], ["a.png", "wip/b.png"]),
        ([], ["wip\\old\\"], ["a.png", "wip/b.png"]),
        (["*.png"], ["b.*"], ["a.png"]),
    ],
)
def test_paths_are_sifted(include: list[str], exclude: list[str], expected: list[str]) -> None:
    """By a picture's name or path, or those of a folder above it."""
    sieve = Sieve(include, exclude)
    paths = ["a.png", "wip/b.png", "wip/old/c.jpg"]
    assert [path for path in paths if sieve(PurePosixPath(path))] == expected


def test_a_job_takes_what_the_sieve_leaves(root: Path) -> None:
    """And says so where it leaves nothing."""
    job = FolderJob((root,), include=("*.png",), exclude=("deep",))
    found = [task.picture.name for task in plan_folder(job) if isinstance(task, Task)]
    assert sorted(found) == ["a.png", "d.png"]
    with pytest.raises(UsageError, match="--exclude-path leave, got none of 4"):
        list(plan_folder(FolderJob((root,), exclude=("*",))))
