"""`install.py`: one build of ONNX Runtime where there is none, and nothing else moves."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def install() -> types.ModuleType:
    """The script as a module; it does nothing unless it is run."""
    spec = importlib.util.spec_from_file_location("tagger_install", ROOT / "install.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def torch_of(folder: Path, version: str, cuda: str | None) -> None:
    """A torch that says what it is in the file where it does."""
    (folder / "torch").mkdir(parents=True)
    (folder / "torch" / "__init__.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    (folder / "torch" / "version.py").write_text(
        f"from typing import Optional\n__version__ = '{version}'\ndebug = False\n"
        f"cuda: Optional[str] = {cuda!r}\nhip: Optional[str] = None\n",
        encoding="utf-8",
    )


@pytest.mark.parametrize(
    ("version", "cuda", "expected"),
    [
        ("2.1.2+cu121", "12.1", "onnxruntime>=1.17"),  # cuDNN 8
        ("2.3.1", "12.1", "onnxruntime>=1.17"),
        ("2.4.0", "12.4", "onnxruntime-gpu>=1.20,<1.27"),
        ("2.10.0+cu128", "12.8", "onnxruntime-gpu>=1.20,<1.27"),
        ("2.11.0+cu130", "13.0", "onnxruntime>=1.17"),
        ("2.11.0+cpu", None, "onnxruntime>=1.17"),
        ("2.9.0+cu118", "11.8", "onnxruntime>=1.17"),
    ],
)
def test_the_build_for_cards_needs_cuda_12_and_torch_2_4(
    install: types.ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    cuda: str | None,
    expected: str,
) -> None:
    """Read from torch's file of its version: importing it takes seconds at each start."""
    torch_of(tmp_path, version, cuda)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")

    assert install.wanted() == expected


def test_other_machines_have_no_build_for_cards(
    install: types.ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no wheel of it for ARM."""
    torch_of(tmp_path, "2.6.0", "12.4")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr("platform.machine", lambda: "aarch64")

    assert install.wanted() == "onnxruntime>=1.17"


def test_the_requirements_are_those_of_pyproject(install: types.ModuleType) -> None:
    """A WebUI and `pip install` get the same; only a host needs the bound by CUDA."""
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base = {name for name in project["dependencies"] if name.startswith("onnxruntime")}
    extra = set(project["optional-dependencies"]["onnx-gpu"])

    assert base == {install.FOR_ANY}
    assert extra == {install.FOR_CUDA_12.partition(",")[0]}


def test_only_the_standard_library_is_imported() -> None:
    """Nothing else is sure to be there when it runs."""
    tree = ast.parse((ROOT / "install.py").read_text(encoding="utf-8"))
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    froms = {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.partition(".")[0] for name in names | froms} <= sys.stdlib_module_names


def test_everything_installed_is_a_constraint(install: types.ModuleType) -> None:
    """pip may add, and change nothing that is there."""
    import numpy

    lines = install.constraints().splitlines()

    assert f"numpy=={numpy.__version__}" in lines
    assert all("==" in line for line in lines)


def run_install(path: Path, *before: str) -> subprocess.CompletedProcess[str]:
    """Run it in a Python that finds only what lies in `path`."""
    code = "; ".join(["import runpy, sys", f"sys.path[:0] = [{str(path)!r}]", *before, ""])
    code += f"runpy.run_path({str(ROOT / 'install.py')!r}, run_name='__main__')"
    python = [sys.executable, "-S", "-I", "-c", code]
    return subprocess.run(python, capture_output=True, text=True, timeout=60)


def test_a_build_that_is_there_is_left_alone(tmp_path: Path) -> None:
    """Whichever it is: nothing is asked of a network, nothing is said."""
    (tmp_path / "onnxruntime").mkdir()
    (tmp_path / "onnxruntime" / "__init__.py").write_text("", encoding="utf-8")

    done = run_install(tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_failure_is_one_sentence_and_the_webui_starts(tmp_path: Path) -> None:
    """No pip, no uv, no network: the exit is 0, or hosts print a report of their own."""
    (tmp_path / "onnxruntime").mkdir()  # a folder that an uninstalling left behind is no build

    done = run_install(tmp_path, "import os", "os.environ['PATH'] = ''")

    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1
    assert "there is neither pip nor uv" in done.stdout
    assert "pip install onnxruntime" in done.stdout


def test_what_pip_said_is_in_the_sentence(tmp_path: Path) -> None:
    """The last error of it, as it is."""
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "pip" / "__main__.py").write_text("", encoding="utf-8")
    fake = "import subprocess; subprocess.run = lambda command, **_: subprocess.CompletedProcess("
    fake += "command, 1, '', 'WARNING: x\\nERROR: no matching distribution\\n[notice] y\\n')"

    done = run_install(tmp_path, fake)

    assert "(ERROR: no matching distribution)" in done.stdout
