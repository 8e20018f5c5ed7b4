"""The other verbs, the exit codes, and what the command costs to start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tagger import __version__
from tagger.cli import VERBS, flags, main
from tagger.extras import install
from tagger.options import describe
from tagger.settings import Settings

Tagger = Callable[..., int]
HEAVY = {"torch", "onnxruntime", "timm", "gradio", "huggingface_hub", "numpy", "tyro", "rich"}


def test_help_lists_every_verb_with_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """`tagger`, `tagger --help` and `tagger help` say the same."""
    shown = []
    for argv in ([], ["--help"], ["help"]):
        assert main(argv) == 0
        shown.append(capsys.readouterr().out)

    assert len(set(shown)) == 1
    assert all(f"{verb} " in shown[0] and text in shown[0] for verb, (_, text) in VERBS.items())


def test_help_costs_no_heavy_import() -> None:
    """Not even numpy is imported for the overview."""
    code = "import sys; from tagger.cli import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not HEAVY & set(done.stdout.split())


@pytest.mark.parametrize("asked", [{}, {"OPENBLAS_NUM_THREADS": "3"}])
def test_a_start_leaves_the_process_as_it_was(asked: dict[str, str]) -> None:
    """While a verb is imported there is no look for garbage, and numpy starts no threads."""
    code = """if 1:
        import contextlib, gc, os
        from tagger.cli import main
        with contextlib.suppress(SystemExit):
            main(["tag", "--help"])
        print(gc.isenabled(), os.environ.get("OPENBLAS_NUM_THREADS"))
    """
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"} | asked
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )

    assert done.stdout.splitlines()[-1] == f"True {asked.get('OPENBLAS_NUM_THREADS')}"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`tagger VERB --help` exits with 0 and shows a usage line."""
    if verb in ("dataset", "train"):
        pytest.importorskip("duckdb")
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])

    assert ended.value.code in (0, None)
    assert f"usage: tagger {verb}" in capsys.readouterr().out


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    """One place says which version this is."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tagger {__version__}\n"


def test_what_the_system_refuses_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder closed to us is refused before anything runs."""

    def closed(self: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_dir", closed)

    assert main(["tag", "locked/a.png"]) == 2
    assert capsys.readouterr().err == "tagger: locked/a.png: permission denied\n"


@pytest.mark.parametrize(
    ("module", "extra"),
    [("duckdb", "dataset"), ("onnx", "export"), ("torch.nn", "train"), ("tyro", "")],
)
def test_a_package_that_is_not_installed_is_named_with_what_brings_it(
    module: str, extra: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Training and datasets need more than captioning does."""

    def lacking(*_: object) -> None:
        raise ModuleNotFoundError(f"No module named '{module}'", name=module)

    monkeypatch.setattr("tagger.cli.importlib.import_module", lacking)

    assert main(["train"]) == 2
    said = capsys.readouterr().err
    assert f"the package {module.partition('.')[0]}, got none" in said
    assert f"`{install(extra)}`" in said


@pytest.mark.parametrize(
    "theirs",
    [
        "operator torchvision::nms does not exist",
        "Detected that PyTorch and torchvision were compiled with different CUDA major versions. "
        "PyTorch has CUDA Version=12.1 and torchvision has CUDA Version=11.8.",
    ],
)
def test_a_torchvision_of_another_kind_than_torch_is_named(
    theirs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is no fault of ours: both, their versions, and what to do."""

    def unlike(*_: object) -> None:
        raise RuntimeError(theirs)

    versions = {"torch": "2.9.1+cpu", "torchvision": "0.24.1+cu126"}
    monkeypatch.setattr("importlib.metadata.version", versions.__getitem__)
    monkeypatch.setattr("tagger.cli.importlib.import_module", unlike)

    assert main(["train"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("tagger: expected torch and torchvision of one kind, ")
    assert "got torch 2.9.1+cpu and torchvision 0.24.1+cu126: install both" in said


def test_an_unknown_verb_brings_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, one line."""
    assert main(["captoin", "x"]) == 2
    assert capsys.readouterr().err.endswith("did you mean `tagger caption`?\n")


def test_a_fault_of_ours_is_one_line_and_with_debug_a_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody but who asks for it sees a trace."""

    def broken(argv: object, prog: object) -> int:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("tagger.cli.doctor.run", broken)

    assert main(["doctor"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("tagger: RuntimeError: two lines")
    assert said.count("\n") == 1
    with pytest.raises(RuntimeError):
        main(["doctor", "--debug"])


def test_ctrl_c_before_anything_ran_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """As shells expect it."""

    def interrupted(argv: object, prog: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("tagger.cli.doctor.run", interrupted)

    assert main(["doctor"]) == 130


def test_tag_prints_categories_and_the_caption(
    tagger: Tagger, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For a person: the rating, then tags with their confidence, then the caption."""
    assert tagger("tag", pictures / "red.png") == 0

    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == str(pictures / "red.png")
    assert lines[1].split() == ["rating", "general", "0.90"]
    assert lines[-1] == "red theme, long hair, saber (fate)"


def test_tag_as_json_is_an_object_a_line(
    tagger: Tagger, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names as the booru has them, the caption as it would be written."""
    assert tagger("tag", pictures / "red.png", pictures / "blue.jpg", "--json") == 0

    red, blue = map(json.loads, capsys.readouterr().out.splitlines())
    assert [tag["name"] for tag in red["tags"]] == ["red_theme", "long_hair", "saber_(fate)"]
    assert [tag["category"] for tag in red["tags"]] == ["general", "general", "character"]
    assert red["rating"]["name"] == "general"
    assert red["tags"][1]["score"] == pytest.approx(0.9, abs=1e-6)
    assert blue["caption"] == "blue theme, long hair, saber (fate)"


def test_tag_takes_the_k_highest_of_a_category(
    tagger: Tagger, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--top and --category go together."""
    picture = pictures / "red.png"

    assert tagger("tag", picture, "--json", "--top", "1", "--category", "general") == 0

    assert json.loads(capsys.readouterr().out)["caption"] == "red theme"


def test_tag_goes_on_after_a_picture_that_cant_be_read(
    tagger: Tagger, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code says that one failed."""
    assert tagger("tag", pictures / "notes.md", pictures / "red.png", "--json") == 1

    broken, red = map(json.loads, capsys.readouterr().out.splitlines())
    assert "notes.md" in broken["error"]
    assert red["tags"]


@pytest.mark.parametrize(
    ("what", "sentence"), [("{}", "tagger caption"), ("{}/no.png", "nothing there")]
)
def test_tag_refuses_what_is_no_picture(
    tagger: Tagger,
    pictures: Path,
    what: str,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A folder is answered with the verb that takes one."""
    assert tagger("tag", what.format(pictures)) == 2
    assert sentence in capsys.readouterr().err


def test_models_lists_what_can_be_had(capsys: pytest.CaptureFixture[str]) -> None:
    """For a person a table, for a script an object a line."""
    assert main(["models"]) == 0
    table = capsys.readouterr().out
    assert main(["models", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert "wd-swinv2-tagger-v3 (default)" in table
    assert [row["name"] for row in rows if row["default"]] == ["wd-swinv2-tagger-v3"]
    assert all(row["name"] in table for row in rows)


def test_a_folder_dropped_into_our_home_is_listed_and_found_by_name(
    pictures: Path,
    colour_model: Path,
    own_home: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No restart, no code; a folder that is no model is listed with its reason."""
    models = own_home / "tagger" / "models"
    models.mkdir(parents=True)
    (models / "colours").mkdir()
    for file in colour_model.iterdir():
        (models / "colours" / file.name).write_bytes(file.read_bytes())
    (models / "rubbish").mkdir()
    (models / "rubbish" / "model.onnx").write_bytes(b"no")

    assert main(["models"]) == 0
    listed = capsys.readouterr().out
    assert main(["tag", str(pictures / "red.png"), "--model", "colours"]) == 0

    assert "colours" in listed
    rubbish = next(line for line in listed.splitlines() if line.startswith("rubbish"))
    assert "expected" in rubbish
    demo = next(line for line in listed.splitlines() if line.startswith("demo"))
    assert len(demo) < 100  # whatever is wrong with others
    capsys.readouterr()
    assert main(["models", "show", "rubbish"]) == 0
    assert "to begin with" not in capsys.readouterr().out  # there is nothing to describe


def test_get_refuses_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is fetched for a slip of the finger."""
    assert main(["models", "get", "wd-vit-tager-v3"]) == 2
    assert "wd-vit-tagger-v3" in capsys.readouterr().err
    assert main(["models", "demo"]) == 2
    assert "did you mean `tagger models show demo`?" in capsys.readouterr().err


def test_doctor_says_what_is_here(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same for a person and as JSON."""
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert __version__ in said
    assert any(device.startswith("cpu") for device in found["devices"])
    assert "CPUExecutionProvider" in found["providers"]
    assert found["home"].startswith(str(own_home))


def test_every_setting_of_a_caption_has_its_flag() -> None:
    """A field added to Settings without a flag shows here."""
    spelled = {
        "selection.method": "select",
        "selection.category_thresholds": "threshold",
        "selection.tag_thresholds": "tag_threshold",
        "selection.top_k": "top",
        "selection.categories": "category",
        "selection.exclude": "exclude_tag",
        "selection.keep": "keep_tag",
        "selection.only": "only_tag",
        "format.spaces": "underscores",
    }
    known = {each.name for each in describe(flags.CaptionFlags)}
    for group in describe(Settings):
        inner = describe(group.type) if group.nested else ()
        for name in [f"{group.name}.{each.name}" for each in inner] or [group.name]:
            assert spelled.get(name, name.rpartition(".")[2]) in known, name


def test_the_default_flags_are_the_default_settings() -> None:
    """Nothing is said twice: no flag, no difference."""
    assert flags.CaptionFlags().settings() == Settings()
