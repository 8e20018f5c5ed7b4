"""Adds the one library that Tagger needs and WebUIs lack, ONNX Runtime; changes nothing present.

The WebUI runs this at each start, in a process of its own. Only the standard library is used.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOR_ANY = "onnxruntime>=1.17"
FOR_CUDA_12 = "onnxruntime-gpu>=1.20,<1.27"  # from 1.27 on it is built for CUDA 13


def is_there() -> bool:
    """Whether some build can be imported; a folder that an uninstalling left behind can't."""
    found = importlib.util.find_spec("onnxruntime")
    return found is not None and found.origin is not None


def wanted() -> str:
    """The build that fits: it needs the CUDA 12 and cuDNN 9 that torch brings since 2.4."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None or platform.machine() not in ("x86_64", "AMD64"):
        return FOR_ANY
    try:
        text = (Path(found.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return FOR_ANY
    version = re.search(r"__version__[^=\n]*=\s*['\"](\d+)\.(\d+)", text)
    cuda = re.search(r"^cuda[^=\n]*=\s*['\"](\d+)\.", text, re.MULTILINE)
    fits = version and (int(version[1]), int(version[2])) >= (2, 4) and cuda and cuda[1] == "12"
    return FOR_CUDA_12 if fits else FOR_ANY


def constraints() -> str:
    """What is installed, as pip's constraints: nothing of it may move."""
    there = {(item.metadata["Name"], item.version) for item in importlib.metadata.distributions()}
    sound = [pair for pair in there if pair[0] and re.match(r"\d[\w.!+-]*$", pair[1] or "")]
    return "".join(f"{name}=={version}\n" for name, version in sorted(sound))


def add(requirement: str) -> str:
    """Install it under the constraints; return what went wrong, empty where nothing did."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "constraints.txt"
        path.write_text(constraints(), encoding="utf-8")
        if importlib.util.find_spec("pip"):
            command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
            command += ["--no-input", "--prefer-binary", "--retries", "2"]
        elif uv := shutil.which("uv"):
            command = [uv, "pip", "install", "--python", sys.executable]
        else:
            return "there is neither pip nor uv"
        command += ["--constraint", str(path), requirement]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    faults = [line for line in said if line.lower().startswith("error")] or said
    return (faults[-1] if faults else "no reason was given") if done.returncode else ""


if __name__ == "__main__" and not is_there():
    requirement = wanted()
    if fault := add(requirement):
        print(
            f"Tagger: {requirement} could not be added ({fault}); models in ONNX are missing "
            f"until `{sys.executable} -m pip install {requirement.partition('>')[0]}` works"
        )
    else:
        print(f"Tagger: added {requirement.partition('>')[0]}, changed nothing else")
