"""Every label format of the known families, told by what is in the file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tagger.errors import LabelFileError
from tagger.labels import DANBOORU, E621, LabelSet
from tagger.models import labelfiles, labeltables
from tagger.models.catalog import CATALOG
from tagger.models.labelfiles import read_labels
from tagger.models.spec import Model

Write = Callable[[str, Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of text, or of JSON where it is no text."""

    def written(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_a_file_is_read_once_until_it_changes(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finding a model counts its labels and opening it names its outputs: one reading for both."""
    read = list[Path]()

    def reading(path: Path, scheme: object) -> LabelSet:
        read.append(path)
        return labeltables.read(path)

    monkeypatch.setitem(labelfiles.READERS, ".csv", reading)
    path = write("tags.csv", "name,category\nhat,0\n")
    assert read_labels(path) is read_labels(path)
    path = write("tags.csv", "name,category\nhat,0\nsmile,0\n")
    assert shown(read_labels(path)) == [("hat", "general"), ("smile", "general")]
    assert read == [path, path]


def shown(labels: LabelSet) -> list[tuple[str, str]]:
    return [(label.name, label.category.name) for label in labels]


def test_deepdanboorus_tags_have_ratings_and_characters(write: Write) -> None:
    """`rating:` rows are the ratings; `tags-character.txt` beside it names characters."""
    path = write("tags.txt", "1girl\nhatsune_miku\nrating:safe\nrating:explicit\n\n")
    write("tags-character.txt", "hatsune_miku\n")

    assert shown(read_labels(path)) == [
        ("1girl", "general"),
        ("hatsune_miku", "character"),
        ("rating:safe", "rating"),
        ("rating:explicit", "rating"),
    ]


def test_joytags_list_is_general(write: Write) -> None:
    """One tag a line, commas inside a face left alone."""
    labels = read_labels(write("top_tags.txt", "1girl\n:,(\nsolo"))

    assert shown(labels) == [("1girl", "general"), (":,(", "general"), ("solo", "general")]


ML = [("1girl", "general"), ("solo", "general")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("classes.json", ["1girl", "solo"]),
        ("class.json", {"0": "1girl", "1": "solo"}),
        ("tags.json", {"solo": 1, "1girl": 0}),
        ("mldanbooru_tags.csv", "name,real_name\n1girl,1girl\nsolo,solo\n"),
        ("tags.csv", "tag\n1girl\nsolo\n"),
    ],
)
def test_lists_without_categories_are_general(write: Write, name: str, content: Any) -> None:
    """ML-Danbooru's and JTP PILOT's files, in the order of the outputs."""
    assert shown(read_labels(write(name, content))) == ML


FULL = [("safe", "rating"), ("1girl", "general"), ("miku", "character"), ("2024", "year")]
TO_TAG = {str(index): tag for index, (tag, _) in enumerate(FULL)}
TO_CATEGORY = dict(FULL)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metadata.json", {"idx_to_tag": TO_TAG, "tag_to_category": TO_CATEGORY}),
        (
            "camie-tagger-v2-metadata.json",
            {
                "model_info": {"img_size": 512},
                "dataset_info": {
                    "tag_mapping": {"idx_to_tag": TO_TAG, "tag_to_category": TO_CATEGORY}
                },
            },
        ),
        (
            "model_vocabulary.json",
            {"idx_to_tag": [t for t, _ in FULL], "tag_to_category": TO_CATEGORY, "num_tags": 4},
        ),
        (
            "tag_mapping.json",
            {str(n): {"tag": t, "category": c.title()} for n, (t, c) in enumerate(FULL)},
        ),
        (
            "config.json",
            {
                "tags": [t for t, _ in FULL],
                "tags_split": [["rating", 1], ["general", 1], ["character", 1], ["year", 1]],
            },
        ),
        (
            "tags.json",
            {
                "num_classes": 4,
                "categories": [
                    {"name": c, "offset": n, "count": 1, "tags": [t]}
                    for n, (t, c) in reversed(list(enumerate(FULL)))
                ],
            },
        ),
    ],
)
def test_json_with_categories(write: Write, name: str, content: Any) -> None:
    """Camie v1 and v2, cl_tagger v1 and v2, PixAI's two: the same labels from each."""
    assert shown(read_labels(write(name, content))) == FULL


@pytest.mark.parametrize(("said", "wanted"), [("General", "rating"), ("Rating", "general")])
def test_the_four_ratings_are_ratings_where_the_file_names_none(
    write: Write, said: str, wanted: str
) -> None:
    """By name, as readers of cl_tagger v2 take them; a file that has ratings is believed."""
    names = ["1girl", "general", "sensitive", "questionable", "explicit", "safe"]
    kinds = dict.fromkeys(names, "General") | {"safe": said}
    path = write("model_vocabulary.json", {"idx_to_tag": names, "tag_to_category": kinds})

    found = {label.name: label.category.name for label in read_labels(path)}

    assert {found[name] for name in names[1:5]} == {wanted}
    assert found["1girl"] == "general"
    assert found["safe"] == said.lower()


def test_a_style_is_an_artist_and_new_categories_keep_their_names(write: Write) -> None:
    """PixAI calls artists styles; cl_tagger has qualities and models."""
    tags = {"idx_to_tag": ["a", "b", "c", "d"]}
    kinds = {"a": "style", "b": "Quality", "c": "Model", "d": "Mood"}

    labels = read_labels(write("v.json", {**tags, "tag_to_category": kinds}))

    assert [category for _, category in shown(labels)] == ["artist", "quality", "model", "mood"]


def test_animetimms_thresholds_and_pixais_series_are_read(write: Write) -> None:
    """`best_threshold` and `ips` are columns of a selected_tags.csv."""
    head = "tag_id,name,category,best_threshold,ips"
    rows = f'{head}\n1,1girl,0,0.41,[]\n2,miku,4,0.5,"[""vocaloid""]"\n'

    labels = read_labels(write("selected_tags.csv", rows))

    assert labels.thresholds.tolist() == pytest.approx([0.41, 0.5])
    assert labels[1].series == ("vocaloid",)


def test_z3ds_first_rows_are_no_ratings(write: Write) -> None:
    """No rating rows, e621's numbers."""
    text = "tag_id,name,category,count\n1,canine,5,9\n2,solo,0,8\n"

    labels = read_labels(write("tags-selected.csv", text), E621)

    assert shown(labels) == [("canine", "species"), ("solo", "general")]
    assert not labels.of("rating").size


def test_deepgelboorus_rows_are_numbered_by_output(write: Write) -> None:
    """`tag_id` is the output's index, whatever the order of the rows."""
    rows = "tag_id,name,category\n2,rating:safe,9\n0,1girl,0\n1,miku,4\n"

    labels = read_labels(write("tags.csv", rows))

    assert shown(labels) == [("1girl", "general"), ("miku", "character"), ("rating:safe", "rating")]


def test_oppaioracles_placeholders_never_become_tags(write: Write) -> None:
    """`<PAD>` and `<UNK>` hold a place; its ratings are marked general in its file."""
    text = "tag_id,name,category,count\n0,<PAD>,0,0\n1,<UNK>,0,0\n2,1girl,0,5\n3,rating:safe,0,9\n"

    labels = read_labels(write("selected_tags.csv", text))

    assert labels.names == ("", "", "1girl", "rating:safe")
    assert labels.of("rating").tolist() == [3]


def safetensors(path: Path, metadata: dict[str, str]) -> Path:
    head = json.dumps({"__metadata__": metadata}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(head).to_bytes(8, "little") + head)
    return path


def test_jtp3s_labels_lie_in_the_weights_and_their_categories_beside(write: Write) -> None:
    """Metadata of the safetensors; `data/NAME-tags.csv` says the categories in e621's numbers."""
    table = write("data/jtp-3-hydra-tags.csv", "tag,category,implications\nwolf,5,canine\nhat,0,\n")
    path = table.parent.parent / "models" / "jtp-3-hydra.safetensors"
    safetensors(path, {"classifier.labels": "hat\nwolf\nnew_tag"})

    assert shown(read_labels(path, E621)) == [
        ("hat", "general"),
        ("wolf", "species"),
        ("new_tag", "general"),
    ]


def test_jtp3s_table_says_what_implies_what(write: Write) -> None:
    """Its implications are the model's relations."""
    spec = next(spec for spec in CATALOG if spec.name == "jtp-3-hydra")
    table = "tag,category,implications\nwolf,5,canine mammal\nhat,0,\n"
    path = write("data/jtp-3-hydra-tags.csv", table)

    model = Model("jtp-3-hydra", spec, path.parent.parent, spec.contracts)

    assert model.relations.ancestors("wolf") == ("canine", "mammal")


def test_torchdeepdanboorus_labels_are_read_without_unpickling(tmp_path: Path) -> None:
    """The list under `tags` of a real checkpoint, longer than one batch of the pickle."""
    torch = pytest.importorskip("torch")
    tags = [f"tag_{number}" for number in range(2500)] + ["rating:safe", "tag_3"]
    state = {"n.weight": torch.zeros(2, 3), "tags": tags, "n.bias": torch.zeros(2).half()}
    torch.save(state, tmp_path / "model-resnet_custom_v3.pt")

    labels = read_labels(tmp_path / "model-resnet_custom_v3.pt")

    assert list(labels.names) == tags
    assert labels[2500].category.name == "rating"


class Code:
    """What a hostile checkpoint holds."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("echo ran",)


@pytest.mark.parametrize("state", [{"tags": ["a"], "x": Code()}, {"a": 1}, {"tags": "a"}])
def test_a_checkpoint_with_code_or_without_tags_is_refused(tmp_path: Path, state: Any) -> None:
    """One sentence; nothing is run to find out."""
    torch = pytest.importorskip("torch")
    torch.save(state, tmp_path / "model.pt")

    with pytest.raises(LabelFileError, match=r"model\.pt: expected (plain tensors|TorchDeepDan)"):
        list(read_labels(tmp_path / "model.pt"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tags.json", "not json"),
        ("tags.json", {"some": {"other": "thing"}}),
        ("tags.json", {"0": "a", "2": "b"}),
        ("tags.json", {"a": 0, "b": 0}),
        ("tags.json", []),
        ("tags.json", [1, 2]),
        ("tags.json", {"tags": ["a"], "tags_split": [["general", 2]]}),
        ("tags.json", {"idx_to_tag": {"x": "a"}}),
        ("tags.csv", "a,b\n1,2\n"),
        ("tags.csv", "name,real_name\n"),
        ("tags.txt", ""),
        ("tags.txt", "tag_id,name,category,count\n1,1girl,0,5\n"),
        ("tags.txt", '{\n "a": 1\n}\n'),
        ("labels.safetensors", "bytes"),
        ("labels.pt", "bytes"),
        ("labels.xml", "<a/>"),
    ],
)
def test_a_wrong_file_is_one_sentence(write: Write, name: str, content: Any) -> None:
    """It names the file and what was expected."""
    path = write(name, content)

    with pytest.raises(LabelFileError) as caught:
        read_labels(path, DANBOORU)

    assert str(caught.value).startswith(str(path))
    assert "expected" in str(caught.value)
    assert "\n" not in str(caught.value)
