"""A DATASET is cut into tars that others' readers and ours give back."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tagger.dataset.build import build
from tagger.dataset.buildoptions import BuildOptions
from tagger.dataset.index import Dataset
from tagger.dataset.offsets import NAME, read_offsets, scan
from tagger.dataset.shards import Sample, ShardOptions, read_index, read_samples, write_shards
from tagger.errors import DatasetError, ImageError
from tagger.train.shards import open_shards

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")


@pytest.fixture
def dataset(tmp_path: Path, write_dump: Callable[..., Path]) -> Dataset:
    posts = {number: "a b" if number % 3 else "a" for number in range(1, 60)}
    dump = write_dump("drawn", posts, {"a": 0, "b": 0})
    rng = np.random.default_rng(0)
    for number in posts:  # what is in the files does not matter, only that it comes back
        path = dump / "images" / f"{number % 1000:04d}" / f"{number}.png"
        path.write_bytes(path.read_bytes() + rng.bytes(60_000))
    options = BuildOptions(
        sources=(dump,), out=tmp_path / "set", maximum_share=1, calibration=0.2, validation=0.2
    )
    build(options)
    return Dataset.open(tmp_path / "set")


def samples_of(folder: Path) -> list[tuple[str, Sample]]:
    _, shards = read_index(folder)
    found: list[tuple[str, Sample]] = []
    for shard in shards:
        with (folder / shard.name).open("rb") as stream:
            found += [(shard.split, sample) for sample in read_samples(stream, shard.name)]
    return found


def test_every_row_comes_back(dataset: Dataset, tmp_path: Path) -> None:
    """Its picture's bytes, its labels, its split; in shards of about the size asked for."""
    out = tmp_path / "shards"
    shards, missing = write_shards(ShardOptions(dataset=dataset.path, out=out, megabytes=1))
    assert missing == 0
    assert len(shards) > 3
    assert all(shard.bytes < 1.2e6 for shard in shards)
    assert read_index(out) == (dataset.content, shards)
    rows = {int(sample.key): (split, sample) for split, sample in samples_of(out)}
    assert sorted(rows) == list(range(len(dataset)))
    for row, (split, sample) in rows.items():
        assert sample.picture == dataset.image_path(row).read_bytes()
        assert (sample.id, split) == (dataset.column("id")[row], dataset.column("split")[row])
        assert list(sample.tags) == dataset.index["tags"][row].as_py()
        assert sample.group == dataset.column("group")[row]


def test_the_samples_are_mixed_the_same_way_each_time(dataset: Dataset, tmp_path: Path) -> None:
    """Byte for byte; another seed gives another order."""
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        write_shards(ShardOptions(dataset=dataset.path, out=tmp_path / name, seed=seed))
    one, two, three = (
        (tmp_path / name / "train-000000.tar").read_bytes() for name in ("one", "two", "three")
    )
    assert one == two != three
    keys = [int(sample.key) for split, sample in samples_of(tmp_path / "one") if split == "train"]
    assert keys != sorted(keys)


def test_others_read_the_shards_too(dataset: Dataset, tmp_path: Path) -> None:
    """By webdataset's rule: files of one base name, next to each other, are one sample."""
    out = tmp_path / "shards"
    write_shards(ShardOptions(dataset=dataset.path, out=out))
    groups: dict[str, list[str]] = {}
    with tarfile.open(out / "train-000000.tar") as tar:
        for name in tar.getnames():
            base, _, extension = name.partition(".")
            groups.setdefault(base, []).append(extension)
    assert set(map(tuple, groups.values())) == {("png", "json")}


def test_the_order_of_a_samples_files_does_not_matter() -> None:
    """webdataset's own writer sorts them; a key may hold folders, and ends at the first dot."""
    data = tar_of(
        ("a/000000007.json", ABOUT.encode()), ("a/000000007.webp", b"x"),
        ("b/000000007.webp", b"y"), ("b/000000007.json", ABOUT.encode()),
    )  # fmt: skip
    found = [(each.key, each.picture) for each in read_samples(io.BytesIO(data))]
    assert found == [("a/000000007", b"x"), ("b/000000007", b"y")]


def test_webdataset_reads_the_shards_and_its_own_are_read(dataset: Dataset, tmp_path: Path) -> None:
    """The library itself, where it is installed: the same samples both ways."""
    webdataset = pytest.importorskip("webdataset")
    out = tmp_path / "shards"
    write_shards(ShardOptions(dataset=dataset.path, out=out))
    again = tmp_path / "again.tar"
    with again.open("wb") as stream, webdataset.TarWriter(stream) as sink:
        for sample in webdataset.WebDataset(str(out / "train-000000.tar"), shardshuffle=False):
            own = {name: sample[name] for name in ("__key__", "png", "json")}
            sink.write(own | {"json": json.loads(own["json"])})
    with (out / "train-000000.tar").open("rb") as one, again.open("rb") as two:
        ours, theirs = list(read_samples(one)), list(read_samples(two))
    assert ours == theirs
    assert len(ours) == len(dataset.rows("train"))


def test_the_offsets_are_those_of_the_headers(dataset: Dataset, tmp_path: Path) -> None:
    """As Python's tarfile finds them, over all shards and splits."""
    out = tmp_path / "shards"
    shards, _ = write_shards(ShardOptions(dataset=dataset.path, out=out, megabytes=1))
    paths = [out / shard.name for shard in shards]
    kept = read_offsets(out, paths)
    assert kept is not None
    assert kept == scan(paths)
    assert len(kept.row) == len(dataset)


def test_pictures_come_by_their_offsets_and_without_them(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The headers are read only where nothing is written down, or it can't be true."""
    out = tmp_path / "shards"
    write_shards(ShardOptions(dataset=dataset.path, out=out, megabytes=1))
    pictures = [dataset.image_path(row).read_bytes() for row in range(len(dataset))]

    def read() -> list[bytes]:
        opened = open_shards(out, dataset)
        return [opened(row) for row in range(len(dataset))]

    with monkeypatch.context() as patch:
        patch.setattr("tagger.train.shards.scan", pytest.fail)
        assert read() == pictures
    (out / NAME).write_bytes(b"no parquet")
    assert read() == pictures
    (out / NAME).unlink()
    assert read() == pictures


def test_a_shard_that_was_packed_anew_is_read_by_its_headers(
    dataset: Dataset, tmp_path: Path
) -> None:
    """It has another size than it was cut to."""
    out = tmp_path / "shards"
    write_shards(ShardOptions(dataset=dataset.path, out=out))
    path = out / "train-000000.tar"
    with tarfile.open(path) as tar:
        files = [(member.name, tar.extractfile(member)) for member in tar]
        members = [(name, file.read() if file else b"") for name, file in files]
    path.write_bytes(tar_of(("readme.md", b"x" * 9000), *members))
    row = int(dataset.rows("train")[0])
    assert open_shards(out, dataset)(row) == dataset.image_path(row).read_bytes()


def test_no_picture_is_taken_for_another(dataset: Dataset, tmp_path: Path) -> None:
    """The header before it names its row, whatever is written down."""
    out = tmp_path / "shards"
    write_shards(ShardOptions(dataset=dataset.path, out=out))
    path = out / "train-000000.tar"
    one, two = (f"{row:09d}.png".encode() for row in dataset.rows("train")[:2])
    data = path.read_bytes().replace(one, bytes(13)).replace(two, one)
    path.write_bytes(data)
    opened = open_shards(out, dataset)
    with pytest.raises(ImageError, match=r"lies elsewhere than offsets\.parquet says"):
        opened(int(dataset.rows("train")[0]))


def test_pictures_that_are_gone_are_counted(dataset: Dataset, tmp_path: Path) -> None:
    """The others are in the shards; without any there are none."""
    dataset.image_path(0).unlink()
    _, missing = write_shards(ShardOptions(dataset=dataset.path, out=tmp_path / "one"))
    assert missing == 1
    for row in range(1, len(dataset)):
        dataset.image_path(row).unlink()
    with pytest.raises(DatasetError, match="expected pictures where the index says"):
        write_shards(ShardOptions(dataset=dataset.path, out=tmp_path / "two"))
    assert not (tmp_path / "two").exists()


def tar_of(*members: tuple[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            if name.startswith("link"):
                member.type, member.linkname, member.size = tarfile.SYMTYPE, "/etc/passwd", 0
            tar.addfile(member, io.BytesIO(data))
    return stream.getvalue()


ABOUT = json.dumps({"id": 1, "md5": None, "rating": "g", "tags": [0], "unknown": [], "group": 0})


@pytest.mark.parametrize(
    "data",
    [
        tar_of(("1.json", ABOUT.encode())),
        tar_of(("1.png", b"x"), ("2.json", ABOUT.encode())),
        tar_of(("1.png", b"x"), ("1.json", b"{}")),
        tar_of(("1.png", b"x"), ("1.json", b"[")),
        tar_of(("link.png", b"")),
        tar_of(("1.png", b"x" * 5000), ("1.json", ABOUT.encode()))[:3000],
        b"no tar at all" * 100,
    ],
)
def test_what_is_no_shard_is_refused(data: bytes) -> None:
    """One sentence that names it."""
    with pytest.raises(DatasetError, match="a shard: expected a whole shard"):
        list(read_samples(io.BytesIO(data), "a shard"))
