"""`tagger.json` in and out."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from tagger.errors import ModelError
from tagger.labels import Category
from tagger.models.contract import Contract
from tagger.models.manifest import read_manifest, write_manifest
from tagger.models.schema import Manifest
from tagger.models.spec import ModelSpec, inside
from tagger.options import describe
from tagger.preprocess import Preprocess
from tagger.thresholds import Thresholds

DOCS = Path(__file__).parents[2] / "docs" / "manifest.md"

TIMM = Preprocess(
    size=(32, 64),
    fit="stretch",
    fill=(124, 116, 104),
    background="black",
    resample="lanczos",
    channels="rgb",
    layout="nchw",
    scale=1 / 255,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
)
SPEC = ModelSpec(
    name="mine",
    contracts=(
        Contract(input="input", output="output", batch=1),
        Contract("timm", "weights/model.safetensors", TIMM, activation="sigmoid", pool=4),
        Contract(weights="model.onnx", output=1, activation="softmax", softmax=("rating",)),
    ),
    categories=(Category(0, "general"), Category(5, "species")),
    tags=3,
    thresholds=Thresholds(0.4, {"species": 0.5}, {"long_hair": 0.25}),
    family="wd",
    title="Mine, for trying out",
    source="https://example.org/mine",
    licence="CC-BY-4.0",
    precision="fp16",
)


def folder(path: Path) -> Path:
    """Write a folder with the files that SPEC names."""
    (path / "weights").mkdir(parents=True)
    for name in ("model.onnx", "weights/model.safetensors", "config.json", "selected_tags.csv"):
        (path / name).write_bytes(f"content of {name}".encode())
    return path


def refuse(path: Path, content: object, sentence: str) -> None:
    """A `tagger.json` of this content is refused with this sentence, which names the file."""
    file = path / "tagger.json"
    text = content if isinstance(content, str) else json.dumps(content)
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ModelError, match=sentence) as caught:
        read_manifest(file)
    assert str(file) in str(caught.value) or str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """Every field of a spec that lies in a folder comes back; the name is the folder's."""
    place = folder(tmp_path / "mine")

    write_manifest(place / "tagger.json", SPEC)
    read = read_manifest(place / "tagger.json")

    shown = Preprocess(**{**vars(TIMM), "fill": "#7c7468"})  # the same colour as JSON spells it
    assert read.contracts[1].preprocess == shown
    assert read.contracts[0] == SPEC.contracts[0]
    assert read.contracts[2] == SPEC.contracts[2]
    assert read.contracts[1].pool == 4
    for name in (
        "name",
        "labels",
        "categories",
        "tags",
        "thresholds",
        "family",
        "title",
        "source",
        "licence",
        "precision",
    ):
        assert getattr(read, name) == getattr(SPEC, name), name


def test_sizes_and_hashes_are_those_of_the_files(tmp_path: Path) -> None:
    """Held against hashlib over the very bytes."""
    place = folder(tmp_path / "mine")
    write_manifest(place / "tagger.json", SPEC)

    found = {file.path: file for file in read_manifest(place / "tagger.json").files}

    assert set(found) == {
        "model.onnx",
        "weights/model.safetensors",
        "config.json",
        "selected_tags.csv",
    }
    for name, file in found.items():
        content = (place / name).read_bytes()
        assert file.size == len(content)
        assert file.sha256 == hashlib.sha256(content).hexdigest()


def test_writing_asks_for_the_files(tmp_path: Path) -> None:
    """A manifest never promises a file that is not there."""
    with pytest.raises(ModelError, match=r"expected model\.onnx beside it"):
        write_manifest(tmp_path / "tagger.json", SPEC)
    assert not list(tmp_path.iterdir())


def test_the_least_manifest_is_the_wd_contract(tmp_path: Path) -> None:
    """What is left out is what WD's taggers are."""
    (tmp_path / "tagger.json").write_text('{"schema": 1}', encoding="utf-8")

    spec = read_manifest(tmp_path / "tagger.json")

    assert spec.contracts == (Contract(),)
    assert spec.labels == "selected_tags.csv"
    assert spec.name == tmp_path.name


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "expected JSON"),
        ("[1]", "expected names and values"),
        ("[" * 100_000, "expected JSON|expected names"),
        ({}, "schema: expected"),
        ({"schema": 2}, "schema: expected one of 1, got 2"),
        ({"schema": 1, "lables": {}}, "lables.*did you mean 'labels'"),
        ({"schema": 1, "contracts": []}, "at least one way"),
        ({"schema": 1, "contracts": [{"inputs": {"layout": "NHWC"}}]}, "inputs.layout.*nhwc, nchw"),
        ({"schema": 1, "contracts": [{"inputs": {"std": [1, 0, 1]}}]}, "std"),
        ({"schema": 1, "contracts": [{"inputs": {"fill": "sky"}}]}, "fill"),
        ({"schema": 1, "contracts": [{"outputs": {"activation": "relu"}}]}, "activation.*sigmoid"),
        ({"schema": 1, "thresholds": {"overall": 1.5}}, "overall: expected a number from 0 to 1"),
        ({"schema": 1, "thresholds": {"overall": True}}, "overall: expected a number"),
        ({"schema": 1, "labels": {"categories": {"nine": "x"}}}, "whole numbers, got 'nine'"),
        ({"schema": 1, "files": {"model.onnx": {"sha256": "abc"}}}, "64 hex digits"),
        ({"schema": 1, "files": {"../secret": {}}}, "inside the folder"),
        ({"schema": 1, "labels": {"file": "/etc/passwd"}}, "inside the folder"),
        ({"schema": 1, "labels": {"file": "a/../../b.csv"}}, "inside the folder"),
        ({"schema": 1, "labels": {"file": ""}}, "inside the folder"),
        ({"schema": 1, "contracts": [{"weights": "C:\\model.onnx"}]}, "inside the folder"),
        ({"schema": 1, "contracts": [{"weights": "C:model.onnx"}]}, "inside the folder"),
        ({"schema": 1, "contracts": [{"weights": "..\\model.onnx"}]}, "inside the folder"),
        ({"schema": 1, "contracts": [{"weights": "a\0b"}]}, "inside the folder"),
    ],
)
def test_a_wrong_manifest_is_one_sentence(content: object, sentence: str, tmp_path: Path) -> None:
    """Each sentence names the file, the key and what was expected."""
    refuse(tmp_path, content, sentence)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A manifest is UTF-8, with or without a BOM."""
    file = tmp_path / "tagger.json"
    file.write_bytes(b'\xef\xbb\xbf{"schema": 1}')
    assert read_manifest(file).contracts

    file.write_bytes(b'{"schema": "\xff"}')
    with pytest.raises(ModelError, match="UTF-8"):
        read_manifest(file)


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    """Links inside the folder are followed; the folder itself may be a link."""
    outside = tmp_path / "secret.csv"
    outside.write_text("x")
    place = tmp_path / "model"
    place.mkdir()
    (place / "here.csv").write_text("x")
    (place / "in.csv").symlink_to("here.csv")
    (place / "out.csv").symlink_to(outside)
    (tmp_path / "linked").symlink_to(place, target_is_directory=True)

    assert inside(tmp_path / "linked", "in.csv").is_file()
    with pytest.raises(ModelError, match=r"out\.csv to lie inside, got a link to .*secret\.csv"):
        inside(place, "out.csv")


def test_a_cache_snapshot_may_link_to_its_own_blobs(tmp_path: Path) -> None:
    """That is how a Hugging Face cache keeps its files; another repository's are refused."""
    for repo in ("models--a--b", "models--c--d"):
        (tmp_path / repo / "blobs").mkdir(parents=True)
        (tmp_path / repo / "blobs" / "0123").write_text("x")
    snapshot = tmp_path / "models--a--b" / "snapshots" / "commit"
    snapshot.mkdir(parents=True)
    (snapshot / "mine").symlink_to("../../blobs/0123")
    (snapshot / "foreign").symlink_to("../../../models--c--d/blobs/0123")

    assert inside(snapshot, "mine").read_text() == "x"
    with pytest.raises(ModelError, match="got a link"):
        inside(snapshot, "foreign")


def keys(kind: Any, path: str = "") -> list[str]:
    """Every key of the schema, dotted; a list's or mapping's dataclass counts as below it."""
    found: list[str] = []
    for one in describe(kind):
        found.append(path + one.name)
        below = [one.type, *get_args(one.type)]
        for inner in filter(is_dataclass, below):
            found += keys(inner, f"{path}{one.name}.")
    return found


def test_every_key_is_documented() -> None:
    """`docs/manifest.md` has a row for every key, and no row for a key that is not there."""
    rows = re.findall(r"^\| `([a-z_.0-9]+)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)

    assert rows == keys(Manifest)


def test_the_documented_examples_are_read(tmp_path: Path) -> None:
    """Each JSON block of the page is a manifest that Tagger takes."""
    blocks = re.findall(r"```json\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        (tmp_path / "tagger.json").write_text(block, encoding="utf-8")
        assert read_manifest(tmp_path / "tagger.json")
