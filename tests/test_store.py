"""Scores kept on disk."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tagger import store as stores
from tagger.errors import ImageError, StoreError, UsageError
from tagger.home import part
from tagger.images import content_hash
from tagger.scores import Sparse
from tagger.store import Key, Store, database, looks

A = Key("aa" * 32, "model-1", "wd")
B = Key("bb" * 32, "model-1", "wd")


def sparse(*pairs: tuple[int, float], wide: bool = False) -> Sparse:
    """Scores of a few labels."""
    kind = np.uint32 if wide else np.uint16
    indices = np.array([index for index, _ in pairs], kind)
    return Sparse(indices, np.array([value for _, value in pairs], np.float32))


def same(found: Sparse | None, wanted: Sparse) -> None:
    """Bit for bit, and of the same kind."""
    assert found is not None
    assert found.indices.dtype == wanted.indices.dtype
    assert found.values.dtype == np.float32
    np.testing.assert_array_equal(found.indices, wanted.indices)
    np.testing.assert_array_equal(found.values, wanted.values)


@pytest.fixture
def store() -> Store:
    """An empty store in our home."""
    with Store() as opened:
        yield opened


def aged(path: Path, content: bytes) -> Path:
    """Write a file that was last changed an hour ago."""
    path.write_bytes(content)
    past = path.stat().st_mtime_ns - 3_600 * 10**9
    os.utime(path, ns=(past, past))
    return path


def test_nothing_is_kept_at_first(store: Store) -> None:
    """None is not an empty list of scores."""
    assert store.get(A) is None
    assert len(store) == 0
    assert store.path == part("scores") / "scores.sqlite"


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    arrays.arrays(np.float32, st.integers(0, 300), elements=st.floats(0, 1, width=32)),
    st.booleans(),
)
def test_what_is_kept_comes_back_bit_for_bit(store: Store, values: np.ndarray, wide: bool) -> None:
    """Any number of scores, also none, with 16-bit and 32-bit indices."""
    indices = np.arange(len(values)) * 200
    scores = Sparse(indices.astype(np.uint32 if wide else np.uint16), values)

    store.put(A, scores)

    found = store.get(A)
    assert found is not None
    assert len(found.indices) == len(values)
    if len(values):
        same(found, scores)


def test_each_part_of_a_key_counts(store: Store) -> None:
    """Another picture, another model, another preprocessing: other scores."""
    keys = [A, B, A._replace(model="model-2"), A._replace(preprocessing="other")]
    for number, key in enumerate(keys):
        store.put(key, sparse((number, 0.5)))

    assert len(store) == len(keys)
    for number, key in enumerate(keys):
        same(store.get(key), sparse((number, 0.5)))


def test_a_second_put_replaces_the_first(store: Store) -> None:
    """A model run again has the last word."""
    store.put(A, sparse((1, 0.1), (2, 0.2)))
    store.put(A, sparse((3, 0.3)))

    same(store.get(A), sparse((3, 0.3)))
    assert len(store) == 1


def test_scores_outlive_the_process_that_kept_them() -> None:
    """Closed and opened again."""
    with Store() as first:
        first.put(A, sparse((1, 0.25)))
    with Store() as second:
        same(second.get(A), sparse((1, 0.25)))
        assert second.set_aside is None


def test_a_closed_store_is_a_sentence(store: Store) -> None:
    """Not an exception of the library below."""
    store.close()
    with pytest.raises(StoreError, match=r"scores\.sqlite: expected to write there"):
        store.get(A)


def test_many_threads_share_one_store(store: Store) -> None:
    """Eight threads write and read what they wrote."""
    wrong: list[object] = []

    def work(thread: int) -> None:
        for number in range(25):
            key = Key(f"{thread:02x}{number:02x}", "m", "p")
            store.put(key, sparse((number, thread / 8)))
            found = store.get(key)
            if found is None or found.values[0] != np.float32(thread / 8):
                wrong.append(key)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong
    assert len(store) == 8 * 25


WRITER = """
import sys
import numpy as np
from pathlib import Path
from tagger.scores import Sparse
from tagger.store import Key, Store
one = Sparse(np.array([1], np.uint16), np.array([0.5], np.float32))
with Store(Path(sys.argv[1])) as kept:
    for number in range(50):
        kept.put(Key(f"{number:02x}", sys.argv[2], "p"), one)
"""


def test_several_processes_share_one_store(tmp_path: Path) -> None:
    """Three begin at once on a file that is not there yet; nothing is lost or set aside."""
    path = tmp_path / "s.sqlite"
    place = {**os.environ, "PYTHONPATH": str(Path(database.__file__).parents[2])}
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), f"m{n}"], env=place)
        for n in range(3)
    ]

    assert [writer.wait(30) for writer in writers] == [0, 0, 0]
    with Store(path) as kept:
        assert len(kept) == 150
    assert not list(tmp_path.glob("*.broken*"))


def test_a_file_that_is_no_database_is_set_aside(caplog: pytest.LogCaptureFixture) -> None:
    """Its bytes are kept under a name that says so, and one line of the log names it."""
    path = part("scores") / "scores.sqlite"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database, " * 1000)

    with caplog.at_level(logging.WARNING), Store() as kept:
        kept.put(A, sparse((1, 0.5)))
        same(kept.get(A), sparse((1, 0.5)))
        aside = kept.set_aside

    assert aside is not None
    assert aside.name.startswith("scores.sqlite.broken-20")
    assert aside.read_bytes() == b"not a database, " * 1000
    (record,) = caplog.records
    assert str(aside) in record.getMessage()


def test_another_schema_is_set_aside() -> None:
    """An older file, a newer one, or one of another program."""
    path = part("scores") / "scores.sqlite"
    path.parent.mkdir(parents=True)
    for version in (0, stores.SCHEMA + 1):
        other = sqlite3.connect(path)
        other.execute("CREATE TABLE IF NOT EXISTS something (x)")
        other.execute(f"PRAGMA user_version = {version}")
        other.commit()
        other.close()
        with Store() as kept:
            assert kept.set_aside is not None
            assert kept.set_aside.exists()
            assert len(kept) == 0
    assert len(list(path.parent.glob("*.broken-*"))) == 2


def test_a_file_damaged_in_the_middle_is_set_aside_when_it_is_met() -> None:
    """A page lost to a bad disk costs what was kept, never the run."""
    with Store() as kept:
        for number in range(200):
            kept.put(Key(f"{number:04x}", "m", "p"), sparse(*((n, 0.5) for n in range(100))))
    path = part("scores") / "scores.sqlite"
    damaged = bytearray(path.read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    path.write_bytes(damaged)

    with Store() as kept:
        assert kept.get(Key("0001", "m", "p")) is None
        kept.put(A, sparse((1, 0.5)))
        same(kept.get(A), sparse((1, 0.5)))
        assert kept.set_aside is not None
        assert kept.set_aside.stat().st_size == len(damaged)


def test_columns_that_do_not_belong_together_are_no_scores(store: Store) -> None:
    """A row that another program wrote is inferred again."""
    store.put(A, sparse((1, 0.5), (2, 0.5)))
    other = sqlite3.connect(store.path)
    other.execute("UPDATE scores SET indices = x'010203'")
    other.commit()
    other.close()

    assert store.get(A) is None


def test_a_lock_held_too_long_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program holds the file; nothing hangs and nothing is set aside."""
    monkeypatch.setattr(database, "WAIT_S", 0.1)
    path = tmp_path / "s.sqlite"
    with Store(path) as kept:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"s\.sqlite: .*locked.*end what holds the file"):
            kept.put(A, sparse((1, 0.5)))
        holder.execute("ROLLBACK")
        holder.close()
        kept.put(A, sparse((1, 0.5)))
        assert kept.set_aside is None


def test_a_place_that_can_not_be_written_is_a_sentence(tmp_path: Path) -> None:
    """A folder in the file's place, a file in the folder's place."""
    (tmp_path / "s.sqlite").mkdir()
    with pytest.raises(StoreError, match=r"s\.sqlite: expected to write there"):
        Store(tmp_path / "s.sqlite")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="expected to write to"):
        Store(tmp_path / "file" / "s.sqlite")


# ---------------------------------------------------------------- the index of files


def test_the_content_of_a_file_is_its_hash(store: Store, tmp_path: Path) -> None:
    """As `images` computes it."""
    file = aged(tmp_path / "a.png", b"picture")
    assert store.content(file) == content_hash(file)


def test_an_unchanged_file_is_not_read_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known by path, size, time and inode; a name that is no text is a name like another."""
    names = ["a.png", "ü b.png"]
    if os.name != "nt":
        names.append(os.fsdecode(b"\xff.png"))
    files = [aged(tmp_path / name, name.encode("utf-8", "surrogateescape")) for name in names]
    digests = [store.content(file) for file in files]

    monkeypatch.setattr(looks, "content_hash", lambda _: pytest.fail("read again"))

    assert [store.content(file) for file in files] == digests


def test_a_changed_file_is_read_again(store: Store, tmp_path: Path) -> None:
    """Another size, another time, or another file of the same size and time in its place."""
    file = aged(tmp_path / "a.png", b"one")
    first = store.content(file)

    aged(file, b"three")
    assert store.content(file) == content_hash(file) != first
    file.write_bytes(b"seven")
    assert store.content(file) == content_hash(file)
    aged(file, b"eight")
    store.content(file)
    stat = file.stat()
    other = tmp_path / "b.png"
    other.write_bytes(b"nines")
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(file)
    assert store.content(file) == content_hash(file)


def test_a_file_just_changed_is_not_trusted(store: Store, tmp_path: Path) -> None:
    """It may change again within one tick of its clock, at the same size."""
    file = tmp_path / "a.png"
    file.write_bytes(b"one")
    store.content(file)
    stat = file.stat()
    with file.open("r+b") as opened:
        opened.write(b"two")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert store.content(file) == content_hash(file)


def test_a_file_that_is_gone_is_an_image_error(store: Store, tmp_path: Path) -> None:
    """Named, as by `images`."""
    with pytest.raises(ImageError, match=r"gone\.png"):
        store.content(tmp_path / "gone.png")


def test_a_hash_is_known_only_of_an_unchanged_file(store: Store, tmp_path: Path) -> None:
    """Asking reads no picture; `rehash` reads it though it looks the same."""
    file = tmp_path / "a.png"
    file.write_bytes(b"one")
    os.utime(file, (1e9, 1e9))
    assert store.known(file) is None
    first = store.content(file)
    assert store.known(file) == first
    file.write_bytes(b"two")
    os.utime(file, (1e9, 1e9))
    assert store.known(file) == first
    assert store.content(file, rehash=True) == content_hash(file) != first
    assert store.known(file) == content_hash(file)
    os.utime(file, (1e9, 1e9 + 1))
    assert store.known(file) is None
