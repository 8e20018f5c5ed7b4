"""Trainings: found again by their files, followed as they grow, told apart from other programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tagger.errors import TaggerError, UsageError
from tagger.home import part
from tagger.webui import interpreter, processes
from tagger.webui.following import Follower, tail
from tagger.webui.job import Job
from tagger.webui.tab.acts.filled import filled_in
from tagger.webui.tab.acts.training import Acts
from tagger.webui.tab.fragments.common import NEW
from tagger.webui.training.program import rehearse
from tagger.webui.training.request import Request, check_name, read_flags, recipes
from tagger.webui.training.trainings import Trainings


def script(tmp_path: Path, text: str) -> Path:
    """A program to stand in for a Python."""
    if os.name == "nt":
        pytest.skip("a script is no program there")
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def record(run: Path, **values: Any) -> None:
    run.mkdir(parents=True, exist_ok=True)
    with (run / "progress.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(values) + "\n")


def no_room() -> None:
    """Nothing to free."""


# ---------------------------------------------------------------- following


def test_a_run_is_followed_as_it_grows(tmp_path: Path) -> None:
    """A line that is half written is read when it is whole; what is no number is passed over."""
    (tmp_path / "run.json").write_text('{"config": {"epochs": 4}}')
    record(tmp_path, kind="step", time=10, epoch=0.5, step=5, loss=3.0, images_per_second=20)
    follower = Follower(tmp_path)

    assert follower.look().share == 0.125
    with (tmp_path / "progress.jsonl").open("a") as file:
        file.write('{"kind": "step", "time": 20, "epoch": 1.5, "step": 15, "lo')
    assert follower.look().step == 5
    with (tmp_path / "progress.jsonl").open("a") as file:
        file.write('ss": 2.0}\nnonsense\n{"kind": "step", "epoch": 1.6, "loss": NaN}\n')
    now = follower.look()

    assert now.loss == ((0.5, 3.0), (1.5, 2.0))
    assert now.epoch == 1.6
    assert follower.seconds_left == pytest.approx(10 / 1.1 * 2.4)


def test_a_resumed_run_takes_its_steps_again(tmp_path: Path) -> None:
    """The curve is the one of the run as it is; older points are thinned, the newest kept."""
    for at in range(1, 2001):
        record(tmp_path, kind="step", epoch=at / 100, step=at, loss=1.0)
    follower = Follower(tmp_path)
    long = follower.look().loss
    record(tmp_path, kind="step", epoch=10.005, step=1001, loss=0.5)

    assert len(long) <= 600
    assert long[-1] == (20.0, 1.0)
    now = follower.look().loss
    assert now[-1] == (10.005, 0.5)
    assert [x for x, _ in now] == sorted(x for x, _ in now)


def test_the_last_words_are_as_a_terminal_shows_them(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes(b"first\nstep 1\r\x1b[Kstep 2\r\x1b[Kstep 3\n\xff\n\nlast")
    assert tail(log, 3) == ["step 3", "\ufffd", "last"]
    assert tail(tmp_path / "none") == []


# ---------------------------------------------------------------- processes


def test_a_process_is_told_from_a_later_one_of_the_same_number() -> None:
    """And one that has ended, though nobody has asked how, is not alive."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    since = processes.began(process.pid)

    assert processes.is_alive(process.pid, since)
    assert not processes.is_alive(process.pid, since + "1")
    assert not processes.is_alive(process.pid, "")
    processes.end(process.pid, "another's")
    assert process.poll() is None
    processes.end(process.pid, since)
    until = time.monotonic() + 20
    while processes.is_alive(process.pid, since) and time.monotonic() < until:
        time.sleep(0.01)
    assert processes.began(process.pid) == ""
    process.communicate()


def test_a_program_gets_none_of_the_webuis_python(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "TAGGER_AUTH"):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("HF_ENDPOINT", "kept")
    found = processes.environment(PYTHONPATH="own")
    assert found["PYTHONPATH"] == "own"
    assert "TAGGER_AUTH" not in found
    assert "VIRTUAL_ENV" not in found
    assert found["HF_ENDPOINT"] == "kept"


# ---------------------------------------------------------------- trainings


def test_two_trainings_on_one_device_are_refused(tmp_path: Path) -> None:
    """`auto` may be any device; the other is known by its files alone, as after a restart."""
    python = script(tmp_path, "exec sleep 60")
    first = Trainings().start(Request(tmp_path, "one", device="cuda:0"), python, no_room)
    again = Trainings()

    for device in ("auto", "cuda:0"):
        with pytest.raises(UsageError, match="one: expected no other training"):
            again.start(Request(tmp_path, "two", device=device), python, no_room)
    other = again.start(Request(tmp_path, "two", device="cuda:1"), python, no_room)
    assert {run.state for run in again.list()} == {"running"}
    for run in (first, other):
        again.stop(run)
        until = time.monotonic() + 20
        while (now := again.find(run.name)) and now.live and time.monotonic() < until:
            time.sleep(0.02)
        assert now is not None
        assert now.state == "stopped"


def test_a_check_without_an_answer_stands_in_nobodys_way(
    tmp_path: Path, bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said in a person's words, and a start goes on without it; a refusal still stands."""
    pytest.importorskip("gradio", reason="gradio is not installed: nothing to show here")
    python, request = script(tmp_path, "exec sleep 60"), Request(tmp_path, "mine")
    with pytest.raises(UsageError, match=r"^no answer after 0 seconds.* Start begins it all the"):
        rehearse(request, python, 0.1)
    monkeypatch.setattr("tagger.webui.training.program.ASK_S", 0.1)
    monkeypatch.setattr("tagger.webui.tab.acts.training.filled_in", lambda *_: (request, python))
    acts = Acts(bench.shared())
    assert "mine has begun, unchecked" in acts.start(("", ""), "")[0]
    run = acts._runs.list()[0]
    assert run.live
    acts._runs.stop(run)
    refusing = script(tmp_path, "echo 'tagger: epochs: expected more' >&2; exit 2")
    with pytest.raises(UsageError, match="the training refuses: epochs: expected more"):
        rehearse(request, refusing)


def test_the_arguments_are_those_of_the_command_line(tmp_path: Path) -> None:
    """In a folder that holds this package alone, under the chosen Python."""
    show = 'pwd; echo "$PYTHONPATH"; ls "$PYTHONPATH"; for a in "$@"; do echo "<$a>"; done'
    python = script(tmp_path, show)
    request = Request(tmp_path / "a b", "mine", "demo", "wd-vit-tagger-v3", 3, 0, "cpu", ("-x", ""))
    trainings = Trainings()
    run = trainings.start(request, python, no_room)
    until = time.monotonic() + 20
    while trainings.list()[0].live and time.monotonic() < until:
        time.sleep(0.02)

    where, path, listed, *given = run.log.read_text().splitlines()
    assert Path(where) == part("training") / "runs" / "mine"
    assert listed == "tagger"
    assert Path(path).parent == part("training") / "code"
    assert given == [
        "<-m>", "<tagger.train>", f"<{tmp_path / 'a b'}>", "<--out>", f"<{run.run}>",
        "<--name>", "<mine>", "<--recipe>", "<demo>", "<--from>", "<wd-vit-tagger-v3>",
        "<--epochs>", "<3>", "<--device>", "<cpu>", "<-x>", "<>",
    ]  # fmt: skip
    with pytest.raises(UsageError, match="got one that is taken"):
        trainings.start(request, python, no_room)


def test_a_finished_model_joins_under_a_name_that_is_free(tmp_path: Path) -> None:
    python = script(tmp_path, 'mkdir -p "$5/model"; echo {} > "$5/model/tagger.json"')
    (part("models") / "mine").mkdir(parents=True)
    trainings = Trainings()
    trainings.start(Request(tmp_path, "mine"), python, no_room)
    until = time.monotonic() + 20
    while (run := trainings.list()[0]).live and time.monotonic() < until:
        time.sleep(0.02)

    assert run.state == "done"
    assert trainings.join(run)
    assert (part("models") / "mine-2" / "tagger.json").is_file()
    joined = trainings.list()[0]
    assert joined.joined
    assert not trainings.join(joined)


def test_a_spoilt_note_of_a_training_is_passed_over() -> None:
    for name, text in (("a", "{"), ("b", "[]"), ("c", '{"schema": 1, "pid": "x"}')):
        folder = part("training") / "runs" / name
        folder.mkdir(parents=True)
        (folder / "process.json").write_text(text)
    assert Trainings().list() == ()


@pytest.mark.parametrize(
    "text",
    ["--out /x", "--ou=/x", "--dry-run", "--config x.yaml", "@flags", "--lr '", "--print_config"],
)
def test_flags_that_the_form_has_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="further flags"):
        read_flags(text, None)


def test_flags_may_name_no_path_that_is_not_open() -> None:
    """Where only some folders are open; a value after = and one on its own alike."""

    def closed(path: str) -> Path:
        raise UsageError(f"{path}: not open")

    for text in ("--weights-from /etc/x", "--weights-from=../x", "--weights-from a/b", "-w C:x"):
        with pytest.raises(UsageError, match="not open"):
            read_flags(text, closed)
    assert read_flags("--lr 1e-3 --betas '0.9 0.99'", closed) == (
        "--lr",
        "1e-3",
        "--betas",
        "0.9 0.99",
    )


@pytest.mark.parametrize("name", ["", "../x", "a/b", "-x", "a b", "x" * 65, "end.", "<b>"])
def test_a_name_is_a_plain_folders_name(name: str) -> None:
    with pytest.raises(UsageError, match="Name: expected"):
        check_name(name)


def test_recipes_are_those_of_the_command_line() -> None:
    from tagger import recipes as room

    assert recipes() == sorted(room.recipes())


# ---------------------------------------------------------------- the Python


def test_the_pages_own_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As is none at all, and what is no program."""
    with pytest.raises(UsageError, match="another Python than the one that runs this page"):
        interpreter.check(Path(sys.executable))
    with pytest.raises(UsageError, match="got none: make one"):
        interpreter.chosen()
    monkeypatch.setenv(interpreter.NAMED, "python")
    with pytest.raises(UsageError, match="whole path"):
        interpreter.chosen()


def test_a_python_says_what_it_lacks(tmp_path: Path) -> None:
    lacking = script(tmp_path, """echo '["/p", [3, 12], ["torch"]]'""")
    with pytest.raises(UsageError, match="got none of torch"):
        interpreter.check(lacking)
    old = script(tmp_path, """echo '["/p", [3, 9], []]'""")
    with pytest.raises(UsageError, match=r"got 3\.9"):
        interpreter.check(old)


def test_a_python_that_can_not_be_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is pip's; cancelling takes away what is half made, too."""
    fails = (
        'mkdir -p "$3/bin"; printf "#!/bin/sh\\necho ERROR: no network; exit 1" > "$3/bin/python"'
    )
    base = script(tmp_path, f'{fails}; chmod +x "$3/bin/python"')
    monkeypatch.setattr(sys, "_base_executable", str(base))
    with pytest.raises(TaggerError, match="ERROR: no network"):
        interpreter.set_up(Job("environment", "a Python"))
    assert not interpreter.folder().exists()

    base.write_text(base.read_text().replace("exit 1", "exec sleep 60"))
    job = Job("environment", "a Python")
    job.pause = lambda seconds: job.cancel()  # pyright: ignore[reportAttributeAccessIssue]
    job.perform(interpreter.set_up)
    assert job.state == "cancelled"
    assert interpreter.made() is None
    assert not interpreter.folder().exists()


def test_an_installed_package_asks_for_its_own_extra() -> None:
    every = [
        "numpy>=1.26",
        'torch>=2.4; extra == "train"',
        "sd-webui-tagger[dataset,export]; extra == 'train'",
        'duckdb>=1.1; extra == "dataset"',
        'onnx>=1.16; extra == "export"',
        'gradio>=4; extra == "ui"',
    ]
    found = {*interpreter._of_extra(every, None), *interpreter._of_extra(every, "train")}
    assert found == {"numpy>=1.26", "torch>=2.4", "duckdb>=1.1", "onnx>=1.16"}


# ---------------------------------------------------------------- the page's listeners


def form(dataset: Path, more: str = "", name: str = "mine") -> tuple[str, ...]:
    """What the form of the page holds."""
    return (str(dataset), name, "none", NEW, "", "", "auto", more)


def test_a_training_touches_only_what_is_open(tmp_path: Path, bench: Any) -> None:
    """The folder of the dataset, and paths among the further flags."""
    (tmp_path / "open").mkdir()
    app = bench.app(open_folders=(tmp_path / "open",))
    for given in (form(tmp_path), form(tmp_path / "open" / ".."), form(Path("/etc"))):
        with pytest.raises(UsageError, match="expected"):
            filled_in(app, "", given)
    with pytest.raises(UsageError, match=r"etc/passwd"):
        filled_in(app, "", form(tmp_path / "open", "--weights-from /etc/passwd"))


def test_a_page_that_others_reach_names_no_program(tmp_path: Path, bench: Any) -> None:
    """Nor does it make a Python where no folder is open, nor train anywhere."""
    pytest.importorskip("gradio", reason="gradio is not installed: nothing to show here")
    named = bench.app(open_folders=(tmp_path,), listening=True, users=(("a", "b"),))
    with pytest.raises(UsageError, match="no path of a program"):
        filled_in(named, "/bin/sh", form(tmp_path))
    closed = bench.app(listening=True, users=(("a", "b"),))
    with pytest.raises(UsageError, match="expected"):
        filled_in(closed, "", form(tmp_path))
    assert "--tagger-root" in Acts(bench.shared(closed)).set_up(("", ""))[0]
    assert closed.jobs.list() == ()


def test_letters_that_are_not_the_pages_change_nothing(bench: Any) -> None:
    """Unknown acts, names that lead elsewhere, what is no letter at all."""
    pytest.importorskip("gradio", reason="gradio is not installed: nothing to show here")
    acts = Acts(bench.shared())
    for letter in (
        '{"all": [{"do": "stop", "run": "../../x"}]}',
        '{"all": [{"do": 1}]}',
        "[",
        "null",
    ):
        assert acts.hear(letter, None)[:2] == ["", ""]
