"""The command as a process among others: Ctrl-C, two at once, another user's rights."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

NOBODY = 65534
needs_posix = pytest.mark.skipif(os.name == "nt", reason="signals and owners are POSIX's")
needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user"
)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user may enter, with forty pictures."""
    made = Path(tempfile.mkdtemp(prefix="tagger-test-"))
    made.chmod(0o755)
    (made / "pictures").mkdir(mode=0o755)
    for number in range(40):
        picture = Image.new("RGB", (300, 200), (6 * number, 0, 0))
        picture.save(made / "pictures" / f"{number}.png")
    yield made
    shutil.rmtree(made)


AS_NOBODY = f"""
import os, pathlib, sys, tempfile
from PIL import Image
from tagger.cli import main
with tempfile.TemporaryDirectory() as warm:  # nobody may not read what is imported later
    Image.new("RGB", (9, 9)).save(pathlib.Path(warm) / "a.png")
    home, os.environ["TAGGER_HOME"] = os.environ["TAGGER_HOME"], warm
    main(["caption", warm, "--model", "demo", "--threshold", "0.01"])
    main(["caption", warm, "--model", "demo", "--on-existing", "overwrite"])
    main(["runs"])
os.environ["TAGGER_HOME"] = home
print("---", flush=True)
print("---", file=sys.stderr, flush=True)
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
sys.exit(main(sys.argv[1:]))
"""


def start(*argv: str | Path, home: Path, nobody: bool = False) -> subprocess.Popen[str]:
    """Begin `tagger ...`, with a home of its own, perhaps as another user."""
    begin = ["-c", AS_NOBODY] if nobody else ["-m", "tagger"]
    words = [sys.executable, *begin, *map(str, argv)]
    root = Path(__file__).parent.parent.parent
    own = {"TAGGER_HOME": home, "HF_HOME": home.parent / "hf", "PYTHONPATH": root}
    environment = os.environ | {name: str(path) for name, path in own.items()}
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def texts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.txt")}


@needs_posix
def test_ctrl_c_finishes_what_is_in_flight_and_sums_up(shared: Path, tmp_path: Path) -> None:
    """Exit code 130; nothing half; the next run does the rest."""
    pictures = shared / "pictures"
    process = start("caption", pictures, "--model", "demo", home=tmp_path / "home")
    while not texts(pictures) and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    written = texts(pictures)
    if process.returncode == 0:
        pytest.skip("the run was over before the signal came")
    assert process.returncode == 130, said
    assert "finishing what is in flight; Ctrl-C again stops at once" in said
    assert f"Stopped: {len(written)} written" in said
    assert all(written.values())
    assert not list(pictures.glob(".tagger-*"))
    again = start("caption", pictures, "--model", "demo", home=tmp_path / "home")
    assert again.wait(120) == 0
    assert len(texts(pictures)) == 40


def test_two_processes_share_a_folder_a_store_and_a_journal(shared: Path, tmp_path: Path) -> None:
    """Both end well, every picture has its caption, and what each did can be undone."""
    pictures, home = shared / "pictures", tmp_path / "home"
    both = [start("caption", pictures, "--model", "demo", home=home) for _ in range(2)]
    said = [process.communicate(timeout=240)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert len(texts(pictures)) == 40
    for _ in range(2):
        if texts(pictures):
            assert start("undo", home=home).wait(120) == 0
    assert texts(pictures) == {}


@needs_posix
@needs_root
def test_what_another_user_may_not_write_is_refused_or_its_own_failure(
    shared: Path, tmp_path: Path
) -> None:
    """A closed folder before anything is loaded; a read-only caption picture by picture."""
    pictures, home = shared / "pictures", shared / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    closed = start("caption", pictures, "--model", "demo", home=home, nobody=True)
    said = closed.communicate(timeout=120)[1].partition("---")[2]
    assert "expected a folder that can be written to" in said
    assert closed.returncode == 2
    os.chown(pictures, NOBODY, NOBODY)
    (pictures / "7.txt").write_text("mine")
    asked = ("caption", pictures, "--model", "demo", "--on-existing", "overwrite")
    once = start(*asked, home=home, nobody=True)
    said = once.communicate(timeout=120)[1].partition("---")[2]
    assert "39 written, 1 failed" in said
    assert "7.txt: can't be written: permission denied" in said
    assert once.returncode == 1
    assert (pictures / "7.txt").read_text() == "mine"
    for path in (home / "runs", *(home / "runs").iterdir()):
        path.chmod(0o555 if path.is_dir() else 0o444)
        os.chown(path, 0, 0)
    listed = start("runs", home=home, nobody=True)
    assert "tagger caption" in listed.communicate(timeout=120)[0].partition("---")[2]
    assert listed.returncode == 0


@needs_root
@pytest.mark.skipif(sys.platform != "linux", reason="chattr is Linux's")
def test_a_locked_caption_is_its_own_failure(shared: Path, tmp_path: Path) -> None:
    """As long as the lock is on; nothing else suffers."""
    pictures = shared / "pictures"
    caption = pictures / "7.txt"
    caption.write_text("mine")
    if subprocess.run(["chattr", "+i", str(caption)], capture_output=True).returncode:
        pytest.skip("this file system locks no files")
    try:
        asked = ("caption", pictures, "--model", "demo", "--on-existing", "append")
        run = start(*asked, home=tmp_path / "home")
        said = run.communicate(timeout=120)[1]
    finally:
        subprocess.run(["chattr", "-i", str(caption)], check=True)
    assert run.returncode == 1
    assert "39 written, 1 failed" in said
    assert caption.read_text() == "mine"
    assert not list(pictures.glob(".tagger-*"))
