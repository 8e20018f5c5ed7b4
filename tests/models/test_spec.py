"""Contracts against tensor shapes, and a model's identity."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tagger.errors import LabelFileError, ModelError
from tagger.models import hashes
from tagger.models.contract import Contract, check_contract, check_probabilities, digest
from tagger.models.labelfiles import read_labels
from tagger.models.spec import Model, ModelSpec
from tagger.preprocess import WD, Preprocess

NCHW = Preprocess(size=(320, 384), layout="nchw")


@pytest.mark.parametrize(
    ("contract", "inputs", "outputs"),
    [
        (Contract(), ("N", 448, 448, 3), ("N", 5)),
        (Contract(), (None, None, None, None), (None, None)),
        (Contract(), (1, 448, 448, 3), (1, 5)),
        (Contract(), (-1, 448, 448, 3), (0, 5)),
        (Contract(), ("N", 448, 448, 3), ()),
        (Contract(preprocess=NCHW), ("N", 3, 384, 320), ("N", 5)),
        (Contract(activation="gated"), ("N", 448, 448, 3), ("N", 10)),
        (Contract(batch=1), (1, 448, 448, 3), (1, 5)),
        (Contract(preprocess=Preprocess(fit="patches")), ("N", 1024, 768), ("N", 5)),
    ],
)
def test_shapes_that_agree_pass(contract: Contract, inputs: tuple, outputs: tuple) -> None:
    """A dimension that the graph leaves open contradicts nothing."""
    check_contract(contract, inputs, outputs, labels=5)


@pytest.mark.parametrize(
    ("contract", "inputs", "outputs", "sentence"),
    [
        (Contract(), ("N", 3, 448, 448), ("N", 5), r"\[N, 448, 448, 3\] \(NHWC\), got \[N, 3, 44"),
        (Contract(), ("N", 384, 384, 3), ("N", 5), r"got \[N, 384, 384, 3\]"),
        (Contract(), ("N", 448, 448, 4), ("N", 5), r"got \[N, 448, 448, 4\]"),
        (Contract(), ("N", 448, 448), ("N", 5), r"got \[N, 448, 448\]"),
        (Contract(preprocess=NCHW), ("N", 3, 320, 384), ("N", 5), r"\[N, 3, 384, 320\] \(NCHW\)"),
        (Contract(), ("N", 448, 448, 3), ("N", 6), r"output of \[N, 5\] for 5 labels, got \[N, 6"),
        (Contract(), ("N", 448, 448, 3), ("N", 5, 7), r"got \[N, 5, 7\]"),
        (Contract(activation="gated"), ("N", 448, 448, 3), ("N", 5), r"output of \[N, 10\]"),
        (Contract(batch=4), (1, 448, 448, 3), (1, 5), "batches of 4, got one for 1"),
    ],
)
def test_shapes_that_contradict_are_one_sentence(
    contract: Contract, inputs: tuple, outputs: tuple, sentence: str
) -> None:
    """It begins with the file and says what was found."""
    with pytest.raises(ModelError, match=sentence) as caught:
        check_contract(contract, inputs, outputs, labels=5, where="m.onnx")
    assert str(caught.value).startswith("m.onnx: ")


def test_probabilities_are_from_0_to_1() -> None:
    """Half precision's rounding is let through, logits are not, nor NaN."""
    check_probabilities(np.array([[0.0, 1.0], [0.5, 1.0002]], np.float16))
    for wrong in ([[0.2, 3.1]], [[-4.0, 0.3]], [[np.nan, 0.5]], [[np.inf, 0.5]]):
        with pytest.raises(ModelError, match=r'probabilities from 0 to 1.*"sigmoid"'):
            check_probabilities(np.array(wrong, np.float32))


def test_equal_preprocessing_has_equal_digests() -> None:
    """Any difference in the pixels is another digest; the way it was written is not."""
    same = Preprocess(channels="bgr", size=[448, 448])  # pyright: ignore[reportArgumentType]
    assert digest(WD) == digest(same)
    others = [replace(WD, fill="black"), replace(WD, scale=2.0), replace(WD, size=(448, 449))]
    assert len({digest(one) for one in (WD, *others)}) == 4


def model(folder: Path, **kwargs: object) -> Model:
    """A model of one weights file in a folder."""
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(b"weights")
    (folder / "selected_tags.csv").write_text("name,category\na,0\n", encoding="utf-8")
    contract = Contract(**kwargs)  # pyright: ignore[reportArgumentType]
    return Model(folder.name, ModelSpec(folder.name, (contract,)), folder, (contract,))


def test_identity_is_the_weights_and_how_they_are_read(tmp_path: Path) -> None:
    """Name and place do not count; other weights, another output, another activation do."""
    one = model(tmp_path / "one")

    assert one.identity() == model(tmp_path / "two").identity()
    assert one.identity() != model(tmp_path / "three", output=1).identity()
    assert one.identity() != model(tmp_path / "four", activation="sigmoid").identity()
    (tmp_path / "one" / "model.onnx").write_bytes(b"WEIGHTS!")
    assert one.identity() != model(tmp_path / "two").identity()


def test_weights_are_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unchanged in size and time, a file is not read again, in this process or the next."""
    one = model(tmp_path / "one")
    identity = one.identity()

    monkeypatch.setattr(hashes, "compute", lambda _: pytest.fail("read again"))
    assert one.identity() == identity
    monkeypatch.setattr(hashes, "_known", {})  # as another process begins
    assert one.identity() == identity


def test_a_damaged_record_of_hashes_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written anew."""
    one = model(tmp_path / "one")
    identity = one.identity()
    hashes._file().write_text('["broken"', encoding="utf-8")
    monkeypatch.setattr(hashes, "_known", {})

    assert one.identity() == identity


def test_a_home_that_refuses_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a home the hash is computed and forgotten."""
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("TAGGER_HOME", str(tmp_path / "file"))

    assert model(tmp_path / "one").identity()


def test_labels_are_read_when_first_asked_for(tmp_path: Path) -> None:
    """A model is a value; its labels cost nothing before."""
    one = model(tmp_path / "one")
    assert one.labels is one.labels
    assert one.labels.names == ("a",)


def test_an_unknown_kind_of_label_file_is_refused(tmp_path: Path) -> None:
    """The sentence names the file and the kinds known."""
    (tmp_path / "tags.xml").write_text("<a/>")
    with pytest.raises(LabelFileError, match=r"tags\.xml: expected a label file \(\*\.csv, "):
        read_labels(tmp_path / "tags.xml")
