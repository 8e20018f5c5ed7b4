"""Caption files: read as UTF-8, written whole or not at all, nothing left lying about."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tagger.errors import CaptionError
from tagger.folder import wholefile
from tagger.folder.sidecars import captions_in, encode_caption, read_caption
from tagger.folder.strays import sweep
from tagger.folder.wholefile import put_file

T = TypeVar("T")

needs_posix = pytest.mark.skipif(os.name == "nt", reason="POSIX permissions and signals")


def write_caption(path: Path, text: str) -> None:
    put_file(path, encode_caption(path, text))


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"1girl, smile", "1girl, smile"),
        ("\ufeff猫, café".encode(), "猫, café"),  # with a BOM
        (b"one\r\ntwo\n", "one\r\ntwo\n"),
        (b"", ""),
    ],
)
def test_reads_utf8_as_it_is(tmp_path: Path, data: bytes, text: str) -> None:
    """With or without a BOM; line ends stay."""
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    assert read_caption(path) == text


def test_no_file_is_no_caption(tmp_path: Path) -> None:
    """Not an error."""
    assert read_caption(tmp_path / "a.txt") is None


@pytest.mark.parametrize("encoding", ["cp932", "utf-16", "latin-1"])
def test_another_encoding_is_reported_not_guessed(tmp_path: Path, encoding: str) -> None:
    """The sentence names the file and what to do."""
    path = tmp_path / "a.txt"
    text = "café" if encoding == "latin-1" else "猫耳"
    path.write_bytes(text.encode(encoding))
    with pytest.raises(CaptionError, match=r"a\.txt: expected UTF-8, got .*: save it as UTF-8"):
        read_caption(path)
    assert read_caption(path, strict=False) is not None


@pytest.mark.parametrize("encoding", ["cp932", "utf-16"])
def test_an_encoding_that_is_named_is_read(tmp_path: Path, encoding: str) -> None:
    """And UTF-8 with a BOM is UTF-8 all the same."""
    path = tmp_path / "a.txt"
    path.write_bytes("猫耳".encode(encoding))
    assert read_caption(path, encoding=encoding) == "猫耳"
    path.write_bytes("\ufeff猫耳".encode())
    assert read_caption(path, encoding=encoding) == "猫耳"


def test_what_is_too_large_is_no_caption(tmp_path: Path) -> None:
    """Somebody's log that happens to lie there is not read into memory."""
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.truncate(5 << 30)
    with pytest.raises(CaptionError, match="more than 1 MB"):
        read_caption(path)


def test_a_folder_in_the_way_is_reported(tmp_path: Path) -> None:
    """A folder called a.txt."""
    (tmp_path / "a.txt").mkdir()
    for act in (read_caption, lambda path: write_caption(path, "1girl")):
        with pytest.raises(CaptionError, match=r"a folder, not a file|permission denied"):
            act(tmp_path / "a.txt")
    assert listing(tmp_path) == ["a.txt"]


def test_writes_exactly_the_text(tmp_path: Path) -> None:
    """UTF-8 without a BOM, line ends as given, nothing added; nothing beside it."""
    path = tmp_path / "ein Bild 🦊 [1].txt"
    write_caption(path, "猫, 1girl\nzwei")
    assert path.read_bytes() == "猫, 1girl\nzwei".encode()
    write_caption(path, "neu")
    assert path.read_bytes() == b"neu"
    assert listing(tmp_path) == [path.name]


def test_names_of_255_bytes_work(tmp_path: Path) -> None:
    """The temporary name is short, whatever the caption's."""
    path = tmp_path / ("é" * 125 + "x.txt")
    assert len(os.fsencode(path.name)) == 255
    write_caption(path, "1girl")
    assert listing(tmp_path) == [path.name]


def test_makes_the_folder_it_writes_to(tmp_path: Path) -> None:
    """A mirrored tree grows with its captions."""
    write_caption(tmp_path / "out" / "b" / "a.txt", "1girl")
    assert (tmp_path / "out" / "b" / "a.txt").read_text() == "1girl"


@pytest.mark.parametrize("text", ["", " \n"])
def test_never_writes_an_empty_caption(tmp_path: Path, text: str) -> None:
    """kohya's trainer stops at one; whoever calls this has decided before."""
    with pytest.raises(ValueError, match="empty caption"):
        write_caption(tmp_path / "a.txt", text)
    assert listing(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "phrase"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EACCES, "permission denied"),
        (errno.EROFS, "the disk is read-only"),
    ],
)
@pytest.mark.parametrize("step", ["write", "replace", "chmod"])
def test_a_refusal_leaves_the_old_text_and_no_stray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, phrase: str, step: str
) -> None:
    """Whichever step the system refuses."""
    path = tmp_path / "a.txt"
    path.write_text("by hand")
    path.chmod(0o640)

    def refuse(where: str, *args: object) -> None:
        if step == "write":
            Path(where).write_bytes(b"hal")  # half of it was there when the disk was full
        raise OSError(number, "refused", where)

    monkeypatch.setattr(*((wholefile, "_put") if step == "write" else (os, step)), refuse)
    with pytest.raises(CaptionError, match=rf"a\.txt: can't be written: {phrase}"):
        write_caption(path, "1girl")
    assert path.read_text() == "by hand"
    assert listing(tmp_path) == ["a.txt"]


class Locked:
    """Another program that has files open, as Windows tells of it, for so many tries of each."""

    def __init__(self, tries: int, code: int) -> None:
        self.tries, self.code = tries, code
        self.asked: dict[str, int] = {}

    def guard(self, act: Callable[..., T]) -> Callable[..., T]:
        def guarded(path: str | Path, *args: object, **named: object) -> T:
            name = Path(args[0] if args and act is os.replace else path).name  # pyright: ignore[reportArgumentType]
            self.asked[name] = self.asked.get(name, 0) + 1
            if self.asked[name] <= self.tries:
                error = PermissionError(errno.EACCES, "in use", str(path))
                error.winerror = self.code  # pyright: ignore[reportAttributeAccessIssue]
                raise error
            return act(path, *args, **named)

        return guarded


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would have been waited, in seconds."""
    waited: list[float] = []
    monkeypatch.setattr(wholefile.time, "sleep", waited.append)
    return waited


@pytest.mark.parametrize("code", [5, 32, 33])
def test_a_file_that_a_scanner_holds_for_a_moment_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_waiting: list[float], code: int
) -> None:
    """Windows refuses to replace a file that another program has open; soon it lets go."""
    path = tmp_path / "a.txt"
    path.write_text("by hand")
    monkeypatch.setattr(os, "replace", Locked(2, code).guard(os.replace))
    write_caption(path, "1girl")
    assert path.read_text() == "1girl"
    assert listing(tmp_path) == ["a.txt"]
    assert len(no_waiting) == 2


@pytest.mark.parametrize("code", [32, 33])
def test_a_file_that_stays_open_elsewhere_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_waiting: list[float], code: int
) -> None:
    """After less than a second; the old text is there, and nothing beside it."""
    path = tmp_path / "a.txt"
    path.write_text("by hand")
    monkeypatch.setattr(os, "replace", Locked(99, code).guard(os.replace))
    with pytest.raises(
        CaptionError, match=r"a\.txt: can't be written: another program has it open"
    ):
        write_caption(path, "1girl")
    assert path.read_text() == "by hand"
    assert listing(tmp_path) == ["a.txt"]
    assert 0 < sum(no_waiting) < 1


def test_what_is_refused_for_good_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_waiting: list[float]
) -> None:
    """A folder without permission does not let go."""
    monkeypatch.setattr(os, "replace", Locked(99, 1314).guard(os.replace))
    with pytest.raises(CaptionError, match="permission denied"):
        write_caption(tmp_path / "a.txt", "1girl")
    assert no_waiting == []


def test_a_caption_that_is_open_elsewhere_is_removed_when_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_waiting: list[float]
) -> None:
    """As an undo does."""
    path = tmp_path / "a.txt"
    path.write_text("1girl")
    monkeypatch.setattr(Path, "unlink", Locked(1, 32).guard(Path.unlink))
    put_file(path, None)
    assert not path.exists()


@pytest.mark.skipif(os.name == "nt", reason="errno is of POSIX")
def test_a_busy_file_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_waiting: list[float]
) -> None:
    """Network disks say EBUSY."""
    replace, refused = os.replace, [OSError(errno.EBUSY, "busy")]

    def busy(source: str, target: str) -> None:
        if refused:
            raise refused.pop()
        replace(source, target)

    monkeypatch.setattr(os, "replace", busy)
    write_caption(tmp_path / "a.txt", "1girl")
    assert listing(tmp_path) == ["a.txt"]


def test_ctrl_c_leaves_the_old_text_and_no_stray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no error of the system's, and passes."""
    path = tmp_path / "a.txt"
    path.write_text("by hand")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_caption(path, "1girl")
    assert path.read_text() == "by hand"
    assert listing(tmp_path) == ["a.txt"]


@needs_posix
def test_a_read_only_caption_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taking its place would be allowed, but somebody protected it."""
    path = tmp_path / "a.txt"
    path.write_text("by hand")
    path.chmod(0o444)
    if os.access(path, os.W_OK):  # root may write anything
        monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(CaptionError, match="permission denied"):
        write_caption(path, "1girl")
    assert path.read_text() == "by hand"


@needs_posix
def test_permissions_stay(tmp_path: Path) -> None:
    """A group that shares the folder goes on sharing it."""
    path = tmp_path / "a.txt"
    path.write_text("by hand")
    path.chmod(0o664)
    write_caption(path, "1girl")
    assert path.stat().st_mode & 0o777 == 0o664


def test_a_link_is_followed(tmp_path: Path) -> None:
    """As `open` would: the link stays one."""
    (tmp_path / "real").mkdir()
    (tmp_path / "a.txt").symlink_to(tmp_path / "real" / "a.txt")
    (tmp_path / "real" / "a.txt").write_text("old")
    write_caption(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").is_symlink()
    assert (tmp_path / "real" / "a.txt").read_text() == "new"
    assert listing(tmp_path / "real") == ["a.txt"]


def test_a_part_of_a_name_that_is_no_text_is_reported(tmp_path: Path) -> None:
    """A file name in another encoding reaches a caption by the token [name]."""
    with pytest.raises(CaptionError, match="rename the file"):
        write_caption(tmp_path / "a.txt", "photo \udce9")
    assert listing(tmp_path) == []


def test_threads_write_into_one_folder(tmp_path: Path) -> None:
    """No temporary name is used twice."""

    def write(start: int) -> None:
        for number in range(start, start + 50):
            write_caption(tmp_path / f"{number}.txt", str(number))

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, 50, 100, 150)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        f"{number}.txt": str(number) for number in range(200)
    }


def test_captions_that_hold_a_text_are_listed(tmp_path: Path) -> None:
    """An empty file, a folder, another extension are none."""
    for name, text in {"a.txt": "x", "blank.txt": " \n", "none.txt": "", "b.caption": "x"}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "long.txt").write_text(" " * 100)  # too long to be looked at only for this
    (tmp_path / "d.txt").mkdir()
    assert captions_in(tmp_path, ".txt") == {"a.txt", "long.txt"}
    assert captions_in(tmp_path / "not there", ".txt") == set()


@needs_posix
def test_what_dead_runs_left_is_swept(tmp_path: Path) -> None:
    """A run that was killed in the middle of a write, and one that is at it still."""
    code = (
        "import sys, os, signal, pathlib\n"
        "from tagger.folder.wholefile import put_file\n"
        "def hang(*_):\n"
        "    print('there', flush=True); sys.stdin.read(1)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "os.replace = hang\n"
        "put_file(pathlib.Path(sys.argv[1]) / 'a.txt', b'1girl')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        (stray,) = listing(tmp_path)
        assert stray.startswith(".tagger-")
        assert len(stray) < 40
        assert sweep(tmp_path) == 0  # it is alive
        process.communicate(b"x")
    assert listing(tmp_path) == [stray]
    assert sweep(tmp_path) == 1
    assert listing(tmp_path) == []


def test_another_machines_leftovers_stay_for_a_day(tmp_path: Path) -> None:
    """Its processes can't be asked; a network drive may be shared."""
    other = tmp_path / ".tagger-ffff1a2b.9c3d-7"
    other.touch()
    assert sweep(tmp_path) == 0
    old = other.stat().st_mtime - 2 * 24 * 3600
    os.utime(other, (old, old))
    assert sweep(tmp_path) == 1


def test_what_is_not_ours_is_never_swept(tmp_path: Path) -> None:
    """Only names of our own making."""
    (tmp_path / ".tagger-notes.txt").touch()
    (tmp_path / ".tagger-").touch()
    assert sweep(tmp_path) == 0
    assert len(listing(tmp_path)) == 2
