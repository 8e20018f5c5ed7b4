"""`tagger explain` and `tagger embed`, as they are typed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("onnx")
pytest.importorskip("pyarrow")

from tagger.cli import main
from tagger.embeddings.vectors import read_vectors
from tagger.engine.explaining import area, over, paint
from tagger.models.manifest import write_manifest
from tagger.models.spec import Contract, ModelSpec
from tagger.preprocess import Preprocess, fit


@pytest.fixture
def red_middle(tmp_path: Path) -> Path:
    """A tall white picture whose middle is red: 200 x 400."""
    image = Image.new("RGB", (200, 400), "white")
    image.paste((255, 0, 0), (80, 180, 120, 220))
    image.save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


@pytest.fixture
def on_black(colour_model: Path, tmp_path: Path) -> Path:
    """That model, its pictures padded with black: white, which is red too, would cover nothing."""
    folder = tmp_path / "on-black"
    shutil.copytree(colour_model, folder)
    own = Contract(preprocess=Preprocess(channels="bgr", fill="black"))
    write_manifest(folder / "tagger.json", ModelSpec("on-black", (own,), tags=8))
    return folder


def test_the_overlay_is_hot_where_the_model_looks(
    on_black: Path, red_middle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """That model reads the one pixel in the middle; any spelling, several tags, JSON."""
    words = ["explain", str(red_middle), "--tag", "red theme", "--tag", "long_hair", "--json"]
    code = main([*words, "--model", str(on_black), "--out", str(red_middle.parent)])
    red, hair = map(json.loads, capsys.readouterr().out.splitlines())
    assert code == 0
    assert (red["tag"], red["method"]) == ("red_theme", "occlusion")
    left, top, right, bottom = red["box"]
    assert left < 0.5 < right
    assert 0.3 < top < 0.5 < bottom < 0.7
    assert hair["box"] is None, "always 0.9, whatever is covered"
    assert hair["score"] == pytest.approx(0.9, abs=1e-4)
    overlay = np.asarray(Image.open(red["overlay"]), int)
    assert overlay.shape == (400, 200, 3)
    coloured = np.ptp(overlay, axis=2)
    assert coloured[200, 100] > 60
    assert coloured[20, 100] < 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--tag: expected a tag"),
        (["--tag", "red_theem"], "did you mean red_theme"),
        (["--tag", "red_theme", "--method", "gradient"], 'use "occlusion"'),
        (["--tag", "red_theme", "--tag", "long_hair", "--out", "/absent"], "expected a folder"),
        (["--tag", "red_theme", "--out", "/absent/x.png"], "--out: expected a folder"),
        (["--tag", "red_theme", "--out", "ITSELF"], "another file than the picture itself"),
    ],
)
def test_what_cannot_be_explained_is_refused_and_nothing_written(
    words: list[str],
    said: str,
    colour_model: Path,
    red_middle: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One sentence."""
    words = [str(red_middle) if word == "ITSELF" else word for word in words]
    code = main(["explain", str(red_middle), "--model", str(colour_model), *words])
    assert code in (1, 2)
    assert said in capsys.readouterr().err
    assert [path.name for path in red_middle.parent.iterdir()] == ["picture.png"]


@pytest.mark.parametrize("kind", ["pad", "letterbox", "stretch", "crop"])
@pytest.mark.parametrize("size", [(300, 100), (90, 210), (64, 64)])
def test_heat_lies_over_the_picture_as_the_model_was_shown_it(
    kind: str, size: tuple[int, int]
) -> None:
    """A bright spot of the picture is found again through any way to fit it."""
    preprocess = Preprocess(size=(64, 64), fit=kind, fill="black", background="black")  # pyright: ignore
    x, y = size[0] // 2 + 6, size[1] // 2 - 8
    image = Image.new("RGB", size, "black")
    image.paste("white", (x - 5, y - 5, x + 5, y + 5))
    heat = fit(image, preprocess)[..., 0].astype(np.float32) / 255
    found = over(heat, area(size, preprocess))
    row, column = np.argwhere(found > 0.5).mean(axis=0) + 0.5
    assert column / found.shape[1] * size[0] == pytest.approx(x, abs=4)
    assert row / found.shape[0] * size[1] == pytest.approx(y, abs=4)


def test_what_a_crop_left_out_is_cold() -> None:
    """The sides of a wide picture were never shown."""
    preprocess = Preprocess(size=(64, 64), fit="crop")
    found = over(np.ones((8, 8), np.float32), area((300, 100), preprocess))
    assert not found[:, : found.shape[1] // 4].any()
    assert found[:, found.shape[1] // 2].all()


def test_no_heat_leaves_the_picture_grey() -> None:
    """A transparent one stands on white."""
    image = Image.new("RGBA", (20, 10), (0, 0, 0, 0))
    painted = np.asarray(paint(image, np.zeros((4, 8), np.float32)))
    assert painted.shape == (10, 20, 3)
    assert (painted == 255).all()


@pytest.fixture
def coloured(tmp_path: Path) -> Path:
    """Four pictures of about two colours, and a file that is none."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, colour in {
        "red": (250, 0, 0),
        "crimson": (220, 10, 20),
        "blue": (0, 0, 250),
        "navy": (10, 0, 200),
    }.items():
        Image.new("RGB", (16, 16), colour).save(folder / f"{name}.png")
    return folder


def test_vectors_are_written_and_asked(
    colour_model: Path, coloured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same answer from the folder and from the table; the picture itself is not its like."""
    out, model = tmp_path / "v.parquet", ["--model", str(colour_model)]
    asked = ["--similar", str(coloured / "red.png"), "--count", "2", "--json"]
    assert main(["embed", str(coloured), *model, "--out", str(out), *asked]) == 0
    first = capsys.readouterr().out.splitlines()[1:]
    assert main(["embed", str(out), *model, *asked]) == 0
    again = capsys.readouterr().out.splitlines()
    assert again == first
    assert [Path(json.loads(row)["path"]).stem for row in again] == ["crimson", "navy"]
    found = read_vectors(out)
    assert [Path(path).stem for path in found.paths] == ["blue", "crimson", "navy", "red"]
    assert found.values[3].tolist() == [0, 0, 250], "BGR, as that model is fed"
    assert len(found.hashes[0]) == 64


def test_a_broken_picture_is_named_and_left_out(
    colour_model: Path, coloured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the exit code says so."""
    (coloured / "a.png").write_bytes(b"none")
    out = tmp_path / "v.parquet"
    assert main(["embed", str(coloured), "--model", str(colour_model), "--out", str(out)]) == 1
    assert "a.png" in capsys.readouterr().err
    assert len(read_vectors(out)) == 4


def test_a_page_of_groups_is_written(colour_model: Path, coloured: Path, tmp_path: Path) -> None:
    """Reds and blues."""
    pytest.importorskip("sklearn")
    page = tmp_path / "page.html"
    words = ["--model", str(colour_model), "--page", str(page), "--groups", "2"]
    assert main(["embed", str(coloured), *words]) == 0
    one, other = page.read_text("utf-8").split("<h2>Group 2</h2>")
    assert {"red.png", "crimson.png"} <= {n for n in ("red.png", "crimson.png") if n in other} or {
        "red.png",
        "crimson.png",
    } <= {n for n in ("red.png", "crimson.png") if n in one.split("<h2>Group 1</h2>")[1]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "expected --out, --similar or --page"),
        (["--similar", "/absent.png"], "--similar: expected a picture"),
        (["--page", "/absent/page.html"], "--page: expected a folder"),
        (["--out", "v.parquet", "--head", "species"], "--head: expected a head"),
    ],
)
def test_what_cannot_be_embedded_is_refused(
    words: list[str],
    said: str,
    colour_model: Path,
    coloured: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before a picture is read."""
    assert main(["embed", str(coloured), "--model", str(colour_model), *words]) == 2
    assert said in capsys.readouterr().err
