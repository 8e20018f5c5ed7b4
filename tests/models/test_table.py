"""The catalogue as words: `docs/models.md` and `tagger models show`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tagger.cli import main
from tagger.home import home, part
from tagger.models.catalog import CATALOG
from tagger.models.registry import Registry
from tagger.models.spec import ModelSpec
from tagger.models.table import lines, markdown, taken
from tagger.thresholds import Thresholds

DOCS = Path(__file__).parents[2] / "docs" / "models.md"
OWN = DOCS.with_name("own-models.md")
BY_NAME = {spec.name: spec for spec in CATALOG}


def test_the_table_in_the_docs_is_the_catalogue() -> None:
    """Written by `tagger models --markdown`; run it again after a change."""
    assert DOCS.read_text(encoding="utf-8") == markdown(CATALOG)


def test_the_command_prints_that_table(capsys: pytest.CaptureFixture[str]) -> None:
    """The same bytes."""
    assert main(["models", "--markdown"]) == 0

    assert capsys.readouterr().out == markdown(CATALOG)


def test_the_documented_models_json_is_taken(own_home: Path) -> None:
    """The example of the page changes one model and adds another."""
    (block,) = re.findall(r"```json\n(.*?)```", OWN.read_text(encoding="utf-8"), re.DOTALL)
    home().mkdir(parents=True)
    (home() / "models.json").write_text(block, encoding="utf-8")

    assert Registry(demo=None).find("wd-vit-tagger-v3").thresholds.overall == 0.4
    assert Registry(demo=None).find("my-tagger").spec.repo == "me/my-tagger"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wd-swinv2-tagger-v3", "448 BGR NHWC 0..255, pad white, bicubic"),
        ("camie-tagger-v2", "512 RGB NCHW -2.12..2.64, letterbox #7c7468, lanczos"),
        ("pixai-tagger-v0.9", "448 RGB NCHW -1..1, stretch, bilinear"),
        ("jtp-3-hydra", "1024 patches of 16 RGB NCHW -1..1, native shape, lanczos"),
    ],
)
def test_an_input_in_a_few_words(name: str, words: str) -> None:
    """What decides the scores, short enough for a table."""
    assert taken(BY_NAME[name].contract) == words


def test_a_licence_that_binds_is_said_and_the_unknown_too() -> None:
    """Gated, not to be passed on; a threshold nobody states."""
    closed = dict(lines(BY_NAME["cl-tagger-v2.01a"]))
    unknown = dict(lines(BY_NAME["wd-eva02-tagger-2026-canary"]))

    assert closed["licence"] == "cl-tagger-v2-model-license-v1.0, gated, not to be passed on"
    assert unknown["operating point"] == "0.35 (unknown, so a usual one)"
    assert unknown["tags"] == "unknown"


def test_a_users_own_line_says_where_it_is_and_that_tags_have_thresholds() -> None:
    """The hub's page, where nothing else is said of its source."""
    thresholds = Thresholds(0.4, tags={"hat": 0.2, "bow": 0.3})
    said = dict(lines(ModelSpec("mine", repo="me/mine", thresholds=thresholds)))

    assert said["source"] == "https://huggingface.co/me/mine"
    assert said["operating point"] == "0.4; 2 tags have their own"


def test_show_says_everything_about_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    """By a name, an old name or a repository."""
    for name in ("wd-v1-4-moat-tagger-v2", "wd14-moat-v2", "SmilingWolf/wd-v1-4-moat-tagger-v2"):
        assert main(["models", "show", name]) == 0
        said = capsys.readouterr().out
        assert "licence: Apache-2.0" in said
        assert "file: model.onnx, 326,197,340 bytes, b8cef913be4c..." in said
        assert "here: not on disk, 326 MB to fetch" in said


def test_show_prints_a_manifest_for_a_folder_that_needs_one(
    own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reason, then JSON that only has to be put there."""
    onnx = pytest.importorskip("onnx")
    value, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    node = onnx.helper.make_node("Identity", ["x"], ["prediction"])
    ins, outs = [value("x", kind, ["N", 3, 64, 64])], [value("prediction", kind, ["N", 2])]
    folder = part("models") / "planes"
    folder.mkdir(parents=True)
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", ins, outs))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    (folder / "selected_tags.csv").write_text("name,category\na,0\nb,0\n")

    assert main(["models", "show", "planes"]) == 0
    said = capsys.readouterr().out
    (folder / "tagger.json").write_text(json.dumps(json.loads(said[said.index("{") :])))

    assert "got [N, 3, 64, 64]" in said
    assert main(["models", "show", "planes"]) == 0
    assert f"here: {folder}" in capsys.readouterr().out
