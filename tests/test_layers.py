"""The map in `tagger/__init__.py` is held to the code: who stands where, who imports whom."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "tagger"

# What each layer may import from outside, beside the standard library, and rooms that may more.
FOREIGN = {
    "floor": {"numpy", "PIL"},
    "edge": {"numpy", "PIL"},
    "use": {"numpy", "PIL", "pyarrow", "matplotlib", "jinja2"},
    "programs": {"numpy", "PIL"},
    "webui": {"numpy", "PIL"},
    "cli": {"numpy", "PIL", "tyro", "rich"},
}
TORCH = {"torch", "torchvision", "timm", "accelerate", "safetensors", "onnx", "onnxruntime"}
FOREIGN_TO_ROOM = {
    "resample": {"torch", "cv2"},  # the same pixels, faster, where one of them is
    "argv": {"tyro"},
    # plug-ins, and the same pixels decoded faster, where installed
    "images": {"pillow_heif", "pillow_jxl", "cv2", "torch", "torchvision"},
    "models": {"huggingface_hub", "certifi", "onnx"},
    "backends": {"onnxruntime", "onnx", "openvino", "torch", "timm", "safetensors"},
    "embeddings": {"sklearn"},
    "recipes": {"yaml"},
    "booru": {"duckdb", "pyarrow", "fsspec", "aiohttp"},
    "dataset": {"duckdb", "pyarrow"},
    "evaluate": {"scipy"},
    "export": {*TORCH, "onnxscript"},
    "train": TORCH,
    "webui": {"gradio", "fastapi", "starlette", "uvicorn"},
}
# What one module of a room may, and no other there.
FOREIGN_TO_MODULE = {
    "train.published": {"huggingface_hub"},  # which timm fetches by
    "webui.sdwebui": {"modules"},
    "webui.memory": {"modules", "backend", "torch"},
}
# Layers that see nothing of another above them: a training is a process of its own.
APART = {("webui", "programs")}
# Of some rooms above, a room sees only a part.
SEES_ONLY = {
    ("backends", "models"): {"spec"},
    # predictions is what the other three are about
    ("train", "evaluate"): {"metrics", "intervals", "calibration", "predictions"},
}
# What an import of anything else must leave alone: they take seconds, or belong to a host.
HEAVY = ["torch", "onnxruntime", "timm", "gradio", "fastapi", "huggingface_hub", "onnx", "cv2"]
HEAVY += ["torchvision", "duckdb", "pyarrow", "pandas", "matplotlib", "yaml", "safetensors"]
HEAVY += ["jinja2", "scipy", "sklearn", "fsspec", "aiohttp"]
MADE_OF_HEAVY = (
    "train",
    "export",
    "backends.cards",
    "backends.onnxrt",
    "backends.pytorch",
    "backends.weights",
)
MADE_OF_HEAVY += ("backends.timmnets", "backends.architectures", "backends.sessions")
MADE_OF_HEAVY += ("backends.openvinort", "backends.attention", "webui.api")
MADE_OF_HEAVY += ("backends.onnxembed",)


@dataclass(frozen=True)
class Import:
    """One import statement's target: a module of ours without the package's name, or a library."""

    line: int
    target: str
    relative: bool

    @property
    def room(self) -> str:
        return self.target.partition(".")[0]


def read_map(docstring: str) -> dict[str, str]:
    """Return room -> layer in the order of the map."""
    rooms: dict[str, str] = {}
    layer = ""
    for line in docstring.partition("The map, top to bottom")[2].splitlines():
        if found := re.match(r" {4}\[(\w+)\]", line):
            layer = found[1]
        elif found := re.match(r" {8}(\w+)  ", line):
            rooms[found[1]] = layer
    return rooms


def modules(package: Path) -> dict[str, Path]:
    """Return module name -> file: `labels`, `cli.doctor`, `cli` for a package's `__init__`."""
    found: dict[str, Path] = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, path: Path, known: set[str]) -> Iterator[Import]:
    """Yield what a module imports, at its top, in functions and for types alike."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name, False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield Import(node.lineno, node.module or "", False)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1]
            target = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            for alias in node.names:
                deeper = f"{target}.{alias.name}".strip(".")
                yield Import(node.lineno, deeper if deeper in known else target, True)


def complaints(package: Path) -> list[str]:
    """Return what is wrong with a package, a sentence each."""
    rooms = read_map(
        ast.get_docstring(ast.parse((package / "__init__.py").read_text()), False) or ""
    )
    found = modules(package)
    wrong: list[str] = []
    for name, path in found.items():
        room = name.partition(".")[0]
        if room and room not in rooms:
            wrong.append(f"{name}: not in the map")
            continue
        for one in imports(name, path, set(found)):
            why = (
                why_not_ours(room, one, rooms)
                if one.relative
                else why_not_foreign(name, one, rooms)
            )
            if why:
                wrong.append(f"{name}, line {one.line}: {why}")
    return wrong


def why_not_ours(room: str, one: Import, rooms: dict[str, str]) -> str:
    order = list(rooms)
    if not one.target:
        return ""  # the version, from the package itself
    if not room:
        return f"the package itself imports {one.target}"
    if one.room not in rooms:
        return f"imports {one.target}, which is not in the map"
    if order.index(one.room) > order.index(room):
        return f"imports {one.target}, which is below it"
    if room and (rooms[room], rooms[one.room]) in APART:
        return f"imports {one.target}: {room} sees nothing of [{rooms[one.room]}]"
    part = SEES_ONLY.get((room, one.room))
    if part and one.target.partition(".")[2].partition(".")[0] not in part:
        return f"imports {one.target}, of which it may see only {', '.join(sorted(part))}"
    return ""


def why_not_foreign(name: str, one: Import, rooms: dict[str, str]) -> str:
    room = name.partition(".")[0]
    if one.room in {"tagger", "sd_webui_tagger"}:
        return f"imports {one.target} by name: relative imports only"
    if not room:
        return "" if one.room == "__future__" else f"the package itself imports {one.target}"
    allowed = FOREIGN[rooms[room]] | FOREIGN_TO_ROOM.get(room, set())
    allowed |= FOREIGN_TO_MODULE.get(name, set())
    if one.room in sys.stdlib_module_names or one.room in allowed:
        return ""
    return f"imports {one.target}, which does not belong in {room}"


def test_the_map_names_the_layers_from_the_floor_up() -> None:
    import tagger

    layers = list(dict.fromkeys(read_map(tagger.__doc__ or "").values()))
    assert layers == ["floor", "edge", "use", "programs", "webui", "cli"]


def test_a_room_stands_in_the_map_and_imports_only_what_stands_above_it() -> None:
    """For every module: relative imports, rooms above, the layer's own libraries."""
    assert complaints(PACKAGE) == []


MAP = '''"""A package.

The map, top to bottom
    [floor] values
        labels          what a model can say
        scores          what it says
    [edge] disk
        models          files
        backends        libraries
"""
'''


@pytest.mark.parametrize(
    ("file", "source", "complaint"),
    [
        ("labels.py", "import numpy, csv", None),
        ("scores.py", "from . import labels, __version__", None),
        ("backends/run.py", "from ..models.spec import Model\nfrom .other import x", None),
        ("backends/run.py", "def f():\n    import torch", None),
        ("odd.py", "", "odd: not in the map"),
        ("odd/__init__.py", "", "odd: not in the map"),
        (
            "labels.py",
            "from .scores import Scores",
            "labels, line 1: imports scores, which is below",
        ),
        ("labels.py", "def f():\n    from . import scores", "labels, line 2: imports scores"),
        (
            "scores.py",
            "from tagger.labels import Label",
            "scores, line 1: imports tagger.labels by",
        ),
        ("labels.py", "import torch.nn", "labels, line 1: imports torch.nn, which does not belong"),
        ("models/files.py", "import timm", "models.files, line 1: imports timm, which does not"),
        (
            "backends/run.py",
            "from ..models import files",
            "imports models.files, of which it may see",
        ),
        (
            "backends/run.py",
            "from ..models import Model",
            "imports models, of which it may see only",
        ),
        ("labels.py", "from .odd import x", "labels, line 1: imports odd, which is not in the map"),
        ("__init__.py", f"{MAP}from .labels import Label", "the package itself imports labels"),
    ],
)
def test_what_is_wrong_is_told(
    tmp_path: Path, file: str, source: str, complaint: str | None
) -> None:
    """Each rule finds what breaks it in a package made for it."""
    (tmp_path / "models").mkdir()
    for path in ("__init__.py", "labels.py", "scores.py", "models/__init__.py", "models/files.py"):
        (tmp_path / path).write_text(MAP if path == "__init__.py" else "")
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(source)
    found = complaints(tmp_path)
    assert len(found) == (complaint is not None)
    assert complaint is None or complaint in found[0]


def light_modules(name: str) -> list[str]:
    """Every module by its full name under a package name, without those made of heavy libraries."""
    return [
        f"{name}.{module}".strip(".")
        for module in modules(PACKAGE)
        if not any(f"{module}.".startswith(f"{heavy}.") for heavy in MADE_OF_HEAVY)
        and not module.endswith("__main__")
    ]


IMPORT_EACH = """
for name in {names}:
    importlib.import_module(name)
    found = [heavy for heavy in {heavy} if heavy in sys.modules]
    assert not found, f"{{name}} imports {{found}}"
assert not logging.getLogger().handlers
"""


def run_fresh(code: str) -> str:
    """Run code in a new interpreter that finds our checkout first; return all that it said."""
    start = f"""
import importlib, importlib.util, logging, sys
sys.path.insert(0, {str(PACKAGE.parent)!r})
"""
    done = subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def test_importing_is_free_and_silent(own_home: Path) -> None:
    """No module but those made of them pulls in a heavy library; nothing is said or created."""
    names = light_modules("tagger")
    assert run_fresh(IMPORT_EACH.format(names=names, heavy=HEAVY)) == ""
    assert not (own_home / "tagger").exists()


MOUNT = f"""
spec = importlib.util.spec_from_file_location(
    "sd_webui_tagger", {str(PACKAGE / "__init__.py")!r},
    submodule_search_locations=[{str(PACKAGE)!r}])
module = importlib.util.module_from_spec(spec)
sys.modules["sd_webui_tagger"] = module
spec.loader.exec_module(module)
"""


def test_the_package_works_under_the_name_that_a_webui_gives_it() -> None:
    """Mounted as `sd_webui_tagger`, it never asks for `tagger`, which may be another extension."""
    forbid = "sys.modules['tagger'] = None\n"  # an import of it fails
    code = forbid + MOUNT + IMPORT_EACH.format(names=light_modules("sd_webui_tagger"), heavy=HEAVY)
    assert run_fresh(code) == ""
