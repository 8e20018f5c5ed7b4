"""A recipe from a site's export to a captioned folder."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")
pytest.importorskip("onnxruntime")

from tagger.cli import main
from tagger.models.local import examine

HEAD = (
    "id",
    "md5",
    "rating",
    "tag_string",
    "locked_tags",
    "file_ext",
    "change_seq",
    "is_rating_locked",
)
SMALL = '{"channels": [8, 8, 8, 16], "stem_width": 8}'


def e621(folder: Path, count: int) -> Path:
    """Its daily export, of squares: red ones are wolves and rated safe, grey ones foxes, `q`."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for number in range(1, count + 1):
        wolf = number % 2
        colour = (rng.integers(180, 250), 20, 30) if wolf else [rng.integers(90, 130)] * 3
        Image.new("RGB", (24, 24), tuple(int(each) for each in colour)).save(
            folder / f"{number}.png"
        )
        tags = "wolf anthro some_artist" if wolf else "fox feral dress"
        rows.append((number, "", "s" if wolf else "q", tags, "", "png", 1, "f"))
    with (folder / "posts.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(HEAD)
        out.writerows(rows)
    tags = "1,wolf,5,9\n2,fox,5,9\n3,anthro,0,9\n4,feral,0,9\n5,dress,0,9\n6,some_artist,1,9\n"
    (folder / "tags.csv").write_text(f"id,name,category,post_count\n{tags}")
    return folder


def test_furry_from_an_export_to_captions_with_species(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its five heads and the rating are learned, and a species is a species to whoever reads it."""
    monkeypatch.setenv("TAGGER_HOME", str(tmp_path / "home"))
    source, dataset, run = e621(tmp_path / "e621", 60), tmp_path / "dataset", tmp_path / "run"
    build = f"dataset build {source} --recipe furry --minimum-count 5 --out {dataset}"
    assert main([*build.split(), "--calibration", "0.2", "--validation", "0.2"]) == 0
    plain = "--epochs 8 --batch-size 8 --lr 0.01 --precision fp32 --layer-decay 1 --norm group"
    tiny = ["--from", "", "--architecture", "resnet10t", "--model-args", SMALL, "--pool", "16"]
    quiet = ["--threads", "1", "--track", "none", "--samples", "0", "--ema", "0"]
    ask = ["train", str(dataset), "--recipe", "furry", *tiny, *plain.split(), *quiet]
    assert main([*ask, "--out", str(run)]) == 0

    model = run / "model"
    described = json.loads((model / "network.json").read_text())
    heads = {head["name"]: head for head in described["heads"]}
    assert {"species", "body", "clothing", "rating"} <= heads.keys()
    assert heads["rating"]["kind"] == "ordinal"
    assert {head["hidden"] for head in described["heads"]} == {128}
    seen = examine(model).spec
    assert {kind.name for kind in seen.categories} >= {"species", "lore"}
    card = (model / "README.md").read_text()
    assert "4 rating, 3 general, 2 species.\n" in card
    assert '"species": ["wolf", "fox"]' in card.replace('["fox", "wolf"]', '["wolf", "fox"]')

    assert main(["caption", str(source), "--model", str(model), "--threshold", "0.5"]) == 0
    written = [(source / f"{number}.txt").read_text() for number in range(1, 61)]
    right = sum(("wolf" if n % 2 == 0 else "fox") in text for n, text in enumerate(written))
    assert right >= 57
    capsys.readouterr()
    assert main(["tag", str(source / "2.png"), "--model", str(model), "--json"]) == 0
    said = json.load(io.StringIO(capsys.readouterr().out))
    assert "questionable" in json.dumps(said)
