"""Each host's day under its own pins: `drive.py` in a venv that has them, asked what it saw."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
VENVS = HERE.parents[1] / ".venv-ci"
HOSTS = {
    "a1111": "a1111",
    "forge": "forge",
    "sdnext": "sdnext",
    "neo": "forge",
    "reforge": "reforge",
    "classic": "forge",
}
"""The lists of pins in `pages/`, each with the stand-in whose `modules` are that host's."""

pytestmark = pytest.mark.slow


def venv(name: str) -> Path:
    """The Python of a host's venv, made by `.ci/run`."""
    folder = VENVS / f"host-{name}"
    for python in (folder / "bin" / "python", folder / "Scripts" / "python.exe"):
        if python.exists():
            return python
    pytest.skip(f"no venv with {name}'s pins: .ci/run makes it where its Python is")


@pytest.fixture(scope="module", params=HOSTS)
def name(request: pytest.FixtureRequest) -> str:
    """A host's name."""
    return request.param


_seen: dict[tuple[str, str], Any] = {}


def day(name: str, how: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What was seen in a host's day; each is run once."""
    if (name, how) not in _seen:
        root = tmp_path_factory.mktemp(f"{name}-{how}")
        python = venv(name)
        env = {**os.environ, "TAGGER_HOME": str(root / "home"), "HF_HOME": str(root / "hf")}
        done = subprocess.run(
            [str(python), str(HERE / "drive.py"), HOSTS[name], str(root), how],
            capture_output=True, text=True, timeout=300, env=env,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        _seen[name, how] = json.loads(done.stdout.splitlines()[-1])
    return _seen[name, how]


def test_installing_adds_and_changes_nothing(name: str) -> None:
    """`pip freeze` before and after `install.py`: ONNX Runtime and what it needs came along."""
    python = venv(name)
    before = set((VENVS / f"host-{name}" / "before.txt").read_text(encoding="utf-8").split())
    freeze = [str(python), "-m", "pip", "freeze"]
    after = set(subprocess.run(freeze, capture_output=True, text=True, check=True).stdout.split())

    assert before <= after
    added = {line.partition("==")[0] for line in after - before}
    assert "onnxruntime" in added
    assert added <= {
        "onnxruntime", "coloredlogs", "humanfriendly", "flatbuffers", "sympy", "mpmath",
        "packaging", "protobuf", "pyreadline3",
    }  # fmt: skip


def test_a_host_gets_one_tab_and_the_routes(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Under the names that people and clients know; a picture's tags come back."""
    seen = day(name, "plain", tmp_path_factory)

    assert seen["tabs"] == [["Tagger", "tagger"]]
    assert seen["routes"] == ["/tagger/v1/interrogate", "/tagger/v1/interrogators"]
    status, answer = seen["answers"]["open"]
    assert status == 200
    assert set(answer["caption"]) == {"tag", "rating"}
    assert seen["answers"]["wrong"][0] == 422
    assert seen["answers"]["schema"] == 200


def test_what_others_attach_to_is_there(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Names of components, for tag autocompletion, styles and scripts; each once."""
    ids = day(name, "plain", tmp_path_factory)["ids"]

    assert "tab_tagger" in ids
    assert {"tagger_selection_exclude", "tagger_send_txt2img", "tagger_send_img2img"} <= set(ids)
    ours = [each for each in ids if each.startswith("tagger_")]
    assert len(ours) == len(set(ours))


def test_the_page_reloads_and_the_job_goes_on(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One tab, one set of routes, the same App; the model of a running job stays."""
    seen = day(name, "plain", tmp_path_factory)

    assert seen["reload"]["tabs"] == [["Tagger", "tagger"]]
    assert seen["reload"]["routes"] == ["/tagger/v1/interrogate", "/tagger/v1/interrogators"]
    assert seen["reload"]["same"]
    assert seen["busy"] == ["running", ["demo"]]
    assert seen["job"] == "done"


def test_a_reload_frees_what_nobody_uses(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No job, no picture waiting: the models go."""
    assert day(name, "plain", tmp_path_factory)["idle"] == []


def test_a_changed_file_asks_for_a_restart(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Once, where the reload finds it: what is imported is not read again."""
    log = day(name, "plain", tmp_path_factory)["log"]

    assert log[-1:] == ["Tagger: its files have changed since the WebUI started; restart it"]


def test_beside_a_predecessor_each_keeps_what_it_has(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Both packages are called `tagger`, both want one tab and one route: ours steps aside."""
    seen = day(name, "beside", tmp_path_factory)

    assert seen["tabs"] == [["SD Tagger", "sd_tagger"], ["Tagger", "tagger"]]
    assert seen["answers"]["open"][0] == 200
    assert seen["answers"]["theirs"] == [200, "theirs"]
    assert seen["reload"]["tabs"] == seen["tabs"]
    told = [line for line in seen["log"] if "wd14-tagger" in line]
    assert told[:2] == [
        "Tagger: the tab `tagger` is of wd14-tagger; ours is `sd_tagger`",
        "Tagger: wd14-tagger answers under /tagger/v1; ours is /sd_tagger/v1",
    ]


def test_routes_ask_for_the_hosts_credentials(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Hosts leave extensions' routes open; ours are not."""
    answers = day(name, "auth", tmp_path_factory)["answers"]

    assert [answers[who][0] for who in ("open", "user", "stranger")] == [401, 200, 401]
    assert answers["wrong"][0] == 422


def test_without_a_page_there_are_the_routes(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`--nowebui`."""
    seen = day(name, "nowebui", tmp_path_factory)

    assert seen["tabs"] is None
    assert seen["answers"]["open"][0] == 200
    assert seen["answers"]["version"][1]["api"] == 1


def test_a_start_imports_what_it_shows_and_no_more(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Models, folders, trainings and the routes come when somebody first asks for them."""
    loaded = day(name, "plain", tmp_path_factory)["at_start"]

    assert "webui.tab.tab" in loaded
    later = (
        "webui.app", "webui.api", "webui.scoring", "webui.training", "webui.tab.acts",
        "models.spec", "models.catalog", "folder", "pipeline", "backends",
        "engine", "store", "images", "report",
    )  # fmt: skip
    assert [each for each in loaded if each.startswith(later)] == []


def test_a_start_takes_no_longer_for_it(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Once imported, making tab, settings and routes is a small part of a host's start.

    Held loosely: processors differ, and so does what else they do.
    """
    spent = day(name, "plain", tmp_path_factory)["cost"]

    assert spent["ui_settings"] + spent["ui_tabs"] + spent["app_started"] < 2.0
