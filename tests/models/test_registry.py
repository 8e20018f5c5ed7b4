"""A name or a path becomes a Model; folders of any kind become rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tagger.errors import ModelError
from tagger.home import part
from tagger.models import local, registry
from tagger.models.catalog import CATALOG
from tagger.models.contract import Contract
from tagger.models.local import Finding
from tagger.models.manifest import write_manifest
from tagger.models.registry import DEFAULT, Registry, Row, default_registry
from tagger.models.spec import File, ModelSpec
from tagger.preprocess import WD

ROWS = ["9999999,general,9,5", "470575,1girl,0,4", "1,hatsune_miku,4,3"]


def onnx_bytes(
    shape: tuple[int | str, ...] = ("N", 448, 448, 3), outputs: int | str = len(ROWS)
) -> bytes:
    """The bytes of an ONNX file with one input and one output of these shapes."""
    onnx = pytest.importorskip("onnx", reason="builds the graphs that are looked at here")
    kind = onnx.TensorProto.FLOAT
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    x = onnx.helper.make_tensor_value_info("x", kind, shape)
    y = onnx.helper.make_tensor_value_info("y", kind, ["N", outputs])
    graph = onnx.helper.make_graph([node], "g", [x], [y])
    return onnx.helper.make_model(graph).SerializeToString()


def wd_folder(path: Path, model: bytes | None = None, labels: list[str] | None = None) -> Path:
    """Write a folder with WD's two files."""
    path.mkdir(parents=True)
    (path / "model.onnx").write_bytes(onnx_bytes() if model is None else model)
    lines = ["tag_id,name,category,count", *(ROWS if labels is None else labels)]
    (path / "selected_tags.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def row(registry: Registry, name: str) -> Row:
    """The one row of this name."""
    (found,) = [one for one in registry.list() if one.name == name]
    return found


def reason(name: str) -> str:
    """Why the folder of this name can't be used: one sentence that names it."""
    found = row(default_registry(), name)
    assert not found.on_disk
    assert name in found.reason
    assert "\n" not in found.reason
    with pytest.raises(ModelError) as caught:
        default_registry().find(name)
    assert str(caught.value) == found.reason
    return found.reason


def test_an_empty_machine_lists_the_published_models() -> None:
    """None is on disk, none is bad, and looking makes no folder."""
    rows = Registry(demo=None).list()

    assert [one.name for one in rows] == [spec.name for spec in CATALOG]
    assert not any(one.on_disk or one.reason for one in rows)
    assert not part("models").exists()


def test_a_published_model_not_on_disk_is_found_all_the_same() -> None:
    """The model says it is not on disk; touching its files is a sentence with the command."""
    model = Registry(demo=None).find(DEFAULT)

    assert not model.on_disk
    assert model.name == DEFAULT
    with pytest.raises(ModelError, match=f"tagger models get {DEFAULT}"):
        _ = model.weights


def test_the_sentence_for_a_missing_model_names_every_way_out() -> None:
    """What to download and how large it is, what is here, and the bundled model."""
    demo = wd_folder(part("models").parent / "bundle" / "model")
    wd_folder(part("models") / "mine")
    registry = Registry(demo=demo)

    sentence = str(registry.missing(registry.find(DEFAULT)))

    assert f"`tagger models get {DEFAULT}` (467 MB)" in sentence
    assert "use demo (" in sentence
    assert "mine" in sentence
    assert "\n" not in sentence


def test_a_folder_with_wds_files_is_a_model() -> None:
    """No code, no restart: ONNX of [N, height, width, 3] and a selected_tags.csv."""
    registry = default_registry()
    wd_folder(part("models") / "mine")

    model = registry.find("mine")

    assert model.on_disk
    assert model.contract == Contract(input="x", preprocess=WD)
    assert model.labels.names == ("general", "1girl", "hatsune_miku")
    assert model.weights == part("models") / "mine" / "model.onnx"
    assert model.thresholds.overall == 0.35


def test_size_and_batch_are_read_from_the_graph() -> None:
    """A graph of 384 x 512 fixed to a batch of 2 says so itself."""
    wd_folder(part("models") / "mine", onnx_bytes((2, 384, 512, 3)))

    contract = default_registry().find("mine").contract

    assert contract.preprocess == replace(WD, size=(512, 384))
    assert contract.batch == 2


def test_a_single_onnx_of_any_name_will_do() -> None:
    """Tools give the weights names of their own."""
    folder = wd_folder(part("models") / "mine")
    (folder / "model.onnx").rename(folder / "mine-v2.onnx")

    assert default_registry().find("mine").weights.name == "mine-v2.onnx"


def test_the_same_names_with_another_contract_are_told_apart() -> None:
    """NCHW under WD's file names is refused, and says what to do."""
    wd_folder(part("models") / "canary", onnx_bytes(("N", 3, 448, 448)))

    assert "got [N, 3, 448, 448]: describe this model in a tagger.json" in reason("canary")


def test_bad_folders_are_rows_with_reasons() -> None:
    """Each folder's fault is a sentence of its own; the list is never an exception."""
    models = part("models")
    whole = onnx_bytes()
    (models / "empty").mkdir(parents=True)
    wd_folder(models / "truncated", whole[: len(whole) // 2])
    wd_folder(models / "foreign", b"not an onnx file")
    wd_folder(models / "labels", labels=ROWS[:2])
    wd_folder(models / "table", labels=["1,2"])
    (wd_folder(models / "nolabels") / "selected_tags.csv").unlink()
    (wd_folder(models / "two") / "model.onnx").rename(models / "two" / "a.onnx")
    (models / "two" / "b.onnx").write_bytes(whole)
    (models / "json").mkdir()
    (models / "json" / "tagger.json").write_text("{}")
    (models / "absent").mkdir()
    (models / "absent" / "tagger.json").write_text('{"schema": 1}')

    assert "got none" in reason("empty")
    assert "whole ONNX file" in reason("truncated")
    assert "whole ONNX file" in reason("foreign")
    assert "for 2 labels, got [N, 3]" in reason("labels")
    assert "selected_tags.csv" in reason("table")
    assert "expected a selected_tags.csv beside model.onnx" in reason("nolabels")
    assert "got a.onnx, b.onnx" in reason("two")
    assert "schema: expected" in reason("json")
    assert "expected a file selected_tags.csv, got none" in reason("absent")


def test_a_manifest_describes_what_the_rule_does_not_fit() -> None:
    """NCHW with a tagger.json is a model; a contradiction to the graph is a reason."""
    folder = wd_folder(part("models") / "mine", onnx_bytes(("N", 3, 448, 448)))
    nchw = Contract(input="x", output="y", preprocess=replace(WD, layout="nchw"))
    write_manifest(folder / "tagger.json", ModelSpec("mine", (nchw,)))
    assert default_registry().find("mine").contract == nchw

    write_manifest(folder / "tagger.json", ModelSpec("mine", (replace(nchw, preprocess=WD),)))
    assert "expected an input of [N, 448, 448, 3] (NHWC), got [N, 3, 448, 448]" in reason("mine")
    write_manifest(folder / "tagger.json", ModelSpec("mine", (replace(nchw, output="z"),)))
    assert "expected an output 'z', got y" in reason("mine")
    write_manifest(folder / "tagger.json", ModelSpec("mine", (nchw,), tags=4))
    assert "expected 4 labels as tagger.json says, got 3" in reason("mine")


def test_a_contract_whose_files_are_missing_is_passed_over() -> None:
    """A universal folder without its timm weights is an ONNX model."""
    folder = wd_folder(part("models") / "mine")
    ways = [{"runtime": "timm", "weights": "model.safetensors"}, {"runtime": "onnx"}]
    (folder / "tagger.json").write_text(json.dumps({"schema": 1, "contracts": ways}))

    model = default_registry().find("mine")

    assert [contract.runtime for contract in model.contracts] == ["onnx"]
    assert model.contract.runtime == "onnx"


def test_a_change_on_disk_is_seen_at_the_next_look() -> None:
    """A fault repaired, a folder removed."""
    folder = wd_folder(part("models") / "mine", b"broken")
    registry = default_registry()
    assert not row(registry, "mine").on_disk

    (folder / "model.onnx").write_bytes(onnx_bytes())
    assert row(registry, "mine").on_disk
    (folder / "model.onnx").unlink()
    assert not row(registry, "mine").on_disk


def test_a_clash_of_names_is_marked(tmp_path: Path) -> None:
    """Neither a published model nor an earlier folder is hidden by a later one."""
    wd_folder(part("models") / DEFAULT)  # its sizes are not the published ones
    wd_folder(part("models") / "mine")
    wd_folder(tmp_path / "a" / "mine")
    wd_folder(tmp_path / "b" / "mine")
    registry = Registry((tmp_path / "a", tmp_path / "b"), demo=None)

    names = [one.name for one in registry.list()[len(CATALOG) :]]

    assert names == ["mine", "mine (local)", "mine (local 2)", f"{DEFAULT} (local)"]
    assert not row(registry, DEFAULT).on_disk
    assert registry.find("mine (local)").folder == tmp_path / "b" / "mine"


def test_a_published_model_in_our_home_is_that_model() -> None:
    """A folder of the model's name with the published sizes is no local model."""
    folder = wd_folder(part("models") / "wd-test")
    sizes = tuple(
        File(name, (folder / name).stat().st_size) for name in ("model.onnx", "selected_tags.csv")
    )
    registry = Registry(specs=(ModelSpec("wd-test", files=sizes),), demo=None)

    (only,) = registry.list()

    assert (only.name, only.local, only.folder) == ("wd-test", False, folder)


def test_the_bundled_model_is_called_demo(tmp_path: Path) -> None:
    """Its folder has another name; somebody's folder `demo` does not hide it."""
    bundled = wd_folder(tmp_path / "package" / "model")
    wd_folder(part("models") / "demo")
    registry = Registry(specs=(), demo=bundled)

    assert [one.name for one in registry.list()] == ["demo", "demo (local)"]
    assert registry.find("demo").folder == bundled
    assert registry.find("demo").spec.name == "demo"
    assert DEFAULT != "demo"


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("SmilingWolf/wd-vit-tagger-v3", "wd-vit-tagger-v3"),
        ("WD-ViT-Tagger-v3", "wd-vit-tagger-v3"),
        ("wd14-vit-v2-git", "wd-v1-4-vit-tagger-v2"),
        ("wd-v1-4-moat-tagger.v2", "wd-v1-4-moat-tagger-v2"),
    ],
)
def test_aliases_and_repositories_are_names(asked: str, name: str) -> None:
    """Whatever earlier extensions called it, in any case of letters."""
    assert Registry(demo=None).find(asked).name == name


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    """A typing mistake is answered with real names."""
    with pytest.raises(ModelError, match=r"got 'wd-swin2-v3': did you mean wd-swinv2-tagger-v3"):
        default_registry().find("wd-swin2-v3")
    with pytest.raises(ModelError, match=r"got 'zzzz': `tagger models` lists them"):
        default_registry().find("zzzz")


def test_a_path_is_a_model_only_when_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request never names a path; the command line may name a folder or an ONNX file in it."""
    folder = wd_folder(tmp_path / "mine")
    (folder / "other.onnx").write_bytes(onnx_bytes(("N", 32, 32, 3)))
    registry = default_registry()

    with pytest.raises(ModelError, match="expected a model's name, got"):
        registry.find(str(folder))
    assert registry.find(str(folder), allow_paths=True).weights == folder / "model.onnx"
    other = registry.find(str(folder / "other.onnx"), allow_paths=True)
    assert other.contract.preprocess.size == (32, 32)
    monkeypatch.chdir(folder)
    assert registry.find(".", allow_paths=True).name == "mine"
    with pytest.raises(ModelError, match="expected a model's name or folder"):
        registry.find(str(tmp_path / "nowhere"), allow_paths=True)


def test_a_model_that_is_named_is_found_without_a_look_at_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To look at one takes as long as to read its labels."""
    own = wd_folder(tmp_path / "own")
    wd_folder(part("models") / "another")
    looked = list[Path]()

    def examine(folder: Path, weights: str | None = None) -> Finding:
        looked.append(folder)
        return local.examine(folder, weights)

    monkeypatch.setattr(registry, "examine", examine)

    assert default_registry().find(str(own), allow_paths=True).folder == own
    assert default_registry().find(DEFAULT).name == DEFAULT
    assert looked == [own]


def test_a_path_to_a_bad_folder_is_its_reason(tmp_path: Path) -> None:
    """The sentence is that of the row it would be."""
    with pytest.raises(ModelError, match=r"expected a model\.onnx with a selected_tags\.csv"):
        default_registry().find(str(tmp_path), allow_paths=True)


def test_a_root_that_is_a_file_is_an_empty_root(tmp_path: Path) -> None:
    """Roots come from settings; one that is gone is no error."""
    (tmp_path / "file").write_text("x")

    assert Registry((tmp_path / "file", tmp_path / "gone"), specs=(), demo=None).list() == ()


def test_a_link_out_of_a_folder_is_a_reason(tmp_path: Path) -> None:
    """A downloaded folder reads nothing but itself."""
    folder = wd_folder(part("models") / "mine")
    (tmp_path / "secret.csv").write_text("name,category\nx,0\n")
    (folder / "selected_tags.csv").unlink()
    (folder / "selected_tags.csv").symlink_to(tmp_path / "secret.csv")

    assert "got a link to" in reason("mine")


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("../weights.bin", "expected a path inside the folder, got '../weights.bin'"),
        ("weights.bin", "expected its weights weights.bin beside it, got none"),
    ],
)
def test_weights_that_lie_elsewhere_are_a_reason(place: str, sentence: str) -> None:
    """Before ONNX Runtime, some of which read whatever they are told, sees the file."""
    onnx = pytest.importorskip("onnx", reason="builds the graphs that are looked at here")
    folder = wd_folder(part("models") / "mine")
    (part("models") / "weights.bin").write_bytes(bytes(16))
    model = onnx.load_from_string(onnx_bytes())
    tensor = model.graph.initializer.add(name="w", data_type=1, dims=[4], data_location=1)
    tensor.external_data.add(key="location", value=place)
    (folder / "model.onnx").write_bytes(model.SerializeToString())

    assert sentence in reason("mine")
