"""A folder is captioned: what was there is safe, each picture is accounted for."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tagger.backends import FakeBackend
from tagger.captioner import Captioner
from tagger.engine import Tagger
from tagger.errors import (
    BackendError,
    ImageError,
    ModelError,
    StoreError,
    TaggerError,
    UsageError,
)
from tagger.folder import FolderJob, Refusal, Run, Summary, caption_folder, plan_folder
from tagger.folder.journal import Journal
from tagger.folder.undo import undo
from tagger.labels import DANBOORU, Label, LabelSet
from tagger.models.spec import Contract, Model, ModelSpec
from tagger.pipeline import Outcome as Scored
from tagger.pipeline import Pipeline
from tagger.preprocess import Preprocess
from tagger.scores import Scores
from tagger.settings import Folder, Settings
from tagger.thresholds import Selection, Thresholds

GENERAL = next(category for category in DANBOORU if category.name == "general")
LABELS = LabelSet(tuple(Label(name, GENERAL) for name in ("1girl", "hat", "smile")))
CAPTIONER = Captioner(Settings(), LABELS, Thresholds(overall=0.5))


class Scorer:
    """Scores by a picture's name: `hat.png` has a hat, `none.png` nothing, `bad.png` can't be read.

    Like the pipeline it is a few pictures ahead of what it gives, and those still come after
    `stop`. `asked` are the pictures that were scored.
    """

    def __init__(self, ahead: int = 2) -> None:
        self.asked: list[str] = []
        self.between: Callable[[str], object] = lambda name: None
        self._ahead = ahead

    def stream(self, sources: Iterable[Path], *, ordered: bool = True) -> Scorer:
        self._sources = iter(sources)
        self._waiting: list[Path] = []
        return self

    def stop(self) -> None:
        self._sources = iter(())

    def take(self, most: int) -> list[Scored]:
        found = self._next()
        return [found] if found else []

    def _next(self) -> Scored | None:
        while len(self._waiting) < self._ahead and (path := next(self._sources, None)):
            self._waiting.append(path)
        if not self._waiting:
            return None
        self.between(self._waiting[0].name)
        path = self._waiting.pop(0)
        self.asked.append(path.name)
        if path.stem.startswith("bad"):
            return Scored(path, error=ImageError(path, "truncated file"))
        shown = ("1girl" if "none" not in path.stem else "") + path.stem
        values = [name in shown for name in LABELS.names]
        return Scored(path, Scores(np.array(values, np.float32), LABELS, "fake"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for pictures."""
    made = tmp_path / "pictures [1] ü"
    made.mkdir()
    return made


WAYS = ": rename one of them, or name captions [name].[extension].[output_extension]"


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def run(*roots: Path, scorer: Scorer | None = None, **options: object) -> Run:
    """Run to the end, and give the run."""
    settings = Folder(**options)  # pyright: ignore[reportArgumentType]
    running = caption_folder(FolderJob(roots, settings), scorer or Scorer(), CAPTIONER)
    list(running)
    return running


def texts(folder: Path) -> dict[str, str]:
    found = sorted(folder.rglob("*.txt"))
    return {p.relative_to(folder).as_posix(): p.read_bytes().decode() for p in found}


def test_every_picture_gets_its_caption(folder: Path) -> None:
    """Beside it, in sub-folders too; no line break at the end."""
    touch(folder, "hat.png", "sub/smile hat.jpg", "notes.md")
    summary = run(folder).summary
    assert texts(folder) == {"hat.txt": "1girl, hat", "sub/smile hat.txt": "1girl, hat, smile"}
    assert (summary.pictures, summary.written, summary.failed) == (2, 2, 0)
    assert summary.ignored == {".md": 1}


def test_a_second_run_infers_nothing(folder: Path) -> None:
    """`skip` is decided by names alone, and captions do not count as other files."""
    touch(folder, "a.png", "hat.png")
    (folder / "a.txt").write_text("by hand")
    scorer = Scorer()
    summary = run(folder, scorer=scorer).summary
    assert scorer.asked == ["hat.png"]
    assert (summary.written, summary.skipped) == (1, 1)
    assert texts(folder)["a.txt"] == "by hand"
    again = Scorer()
    assert run(folder, scorer=again).summary.skipped == 2
    assert again.asked == []
    assert not run(folder).summary.ignored


def test_an_empty_caption_file_is_no_caption(folder: Path) -> None:
    """Other tools leave them, and kohya's trainer stops at them."""
    touch(folder, "hat.png", "hat.txt")
    assert run(folder).summary.written == 1
    assert texts(folder) == {"hat.txt": "1girl, hat"}


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("overwrite", "1girl, hat"),
        ("append", "my words, 1girl, hat"),
        ("prepend", "1girl, hat, my words"),
    ],
)
def test_existing_captions(folder: Path, how: str, text: str) -> None:
    """Replaced or added to; the second time nothing changes and nothing is written."""
    touch(folder, "hat.png")
    caption = folder / "hat.txt"
    caption.write_text("my words")
    assert run(folder, on_existing=how).summary.written == 1
    assert texts(folder) == {"hat.txt": text}
    stamp = caption.stat().st_mtime_ns, caption.stat().st_ino
    summary = run(folder, on_existing=how).summary
    assert (summary.written, summary.same) == (0, 1)
    assert (caption.stat().st_mtime_ns, caption.stat().st_ino) == stamp


@pytest.mark.parametrize("how", ["append", "prepend"])
def test_the_mark_of_an_editor_stays(folder: Path, how: str) -> None:
    """Notepad's BOM stands first, and a repeat changes nothing."""
    touch(folder, "hat.png")
    (folder / "hat.txt").write_bytes(b"\xef\xbb\xbfmine\r\n")
    tags = b"mine, 1girl, hat\r\n" if how == "append" else b"1girl, hat, mine\r\n"
    for _ in range(2):
        run(folder, on_existing=how)
        assert (folder / "hat.txt").read_bytes() == b"\xef\xbb\xbf" + tags


def test_what_can_not_be_added_to_is_left_and_reported(folder: Path) -> None:
    """Two lines are two captions to a trainer."""
    touch(folder, "hat.png")
    (folder / "hat.txt").write_text("one\ntwo")
    summary = run(folder, on_existing="append").summary
    assert texts(folder) == {"hat.txt": "one\ntwo"}
    assert list(summary.left) == [
        (folder / "hat.png", "the caption has several lines: left as it is")
    ]
    assert (summary.skipped, summary.failed) == (1, 0)


@pytest.mark.parametrize("how", ["append", "prepend", "overwrite"])
def test_another_encoding_is_reported_unless_it_is_overwritten(folder: Path, how: str) -> None:
    """Adding to it would break it."""
    touch(folder, "hat.png")
    (folder / "hat.txt").write_bytes("猫".encode("cp932"))
    summary = run(folder, on_existing=how).summary
    if how == "overwrite":
        assert texts(folder) == {"hat.txt": "1girl, hat"}
        return
    assert (folder / "hat.txt").read_bytes() == "猫".encode("cp932")
    ((path, reason),) = summary.failures
    assert path == folder / "hat.png"
    assert "expected UTF-8" in reason


def test_a_caption_that_appears_meanwhile_is_safe(folder: Path) -> None:
    """Somebody saved one while the picture was being looked at."""
    touch(folder, "hat.png")
    scorer = Scorer()
    scorer.between = lambda name: (folder / "hat.txt").write_text("just saved")
    summary = run(folder, scorer=scorer).summary
    assert texts(folder) == {"hat.txt": "just saved"}
    assert (summary.written, summary.skipped) == (0, 1)


def test_a_bad_picture_does_not_stop_the_run(folder: Path) -> None:
    """It is listed with its reason, without its path twice."""
    touch(folder, "bad.png", "hat.png")
    summary = run(folder).summary
    assert list(summary.failures) == [(folder / "bad.png", "truncated file")]
    assert texts(folder) == {"hat.txt": "1girl, hat"}


@pytest.mark.parametrize("how", ["skip", "overwrite"])
def test_an_empty_caption_is_never_written(folder: Path, how: str) -> None:
    """Nor does it take an old one's place."""
    touch(folder, "none.png")
    if how == "overwrite":
        (folder / "none.txt").write_text("old")
    summary = run(folder, on_existing=how).summary
    assert texts(folder) == ({"none.txt": "old"} if how == "overwrite" else {})
    assert list(summary.failures) == [
        (folder / "none.png", "no tag reaches its threshold: nothing to write")
    ]


def test_nothing_to_add_is_no_failure(folder: Path) -> None:
    """There is a caption, and it stays."""
    touch(folder, "none.png")
    (folder / "none.txt").write_text("old")
    summary = run(folder, on_existing="append").summary
    assert (summary.same, summary.failed) == (1, 0)


def test_pictures_of_one_name_are_a_failure_of_the_second(folder: Path) -> None:
    """Not a silent merge."""
    touch(folder, "hat.png", "hat.jpg")
    scorer = Scorer()
    summary = run(folder, scorer=scorer).summary
    assert scorer.asked == ["hat.jpg"]
    assert list(summary.failures) == [
        (folder / "hat.png", f"hat.jpg has the caption file hat.txt too{WAYS}")
    ]
    assert (summary.pictures, summary.written, summary.failed) == (2, 1, 1)


def test_captions_can_go_to_a_tree_of_their_own(folder: Path, tmp_path: Path) -> None:
    """The same sub-folders; existing ones are looked for there."""
    touch(folder, "hat.png", "sub/smile.png")
    out = tmp_path / "out"
    run(folder, out=out)
    assert texts(out) == {"hat.txt": "1girl, hat", "sub/smile.txt": "1girl, smile"}
    assert texts(folder) == {}
    assert run(folder, out=out).summary.skipped == 2


def test_several_folders_have_trees_of_their_names(tmp_path: Path) -> None:
    """Single pictures of one folder count as that folder."""
    touch(tmp_path, "a/hat.png", "b/hat.png", "b/smile.png")
    run(
        tmp_path / "a", tmp_path / "b" / "hat.png", tmp_path / "b" / "smile.png", out=tmp_path / "o"
    )
    assert sorted(texts(tmp_path / "o")) == ["a/hat.txt", "b/hat.txt", "b/smile.txt"]
    run(tmp_path / "b" / "hat.png", tmp_path / "b" / "smile.png", out=tmp_path / "p")
    assert sorted(texts(tmp_path / "p")) == ["hat.txt", "smile.txt"]


def test_a_folder_named_twice_is_done_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also under another path."""
    touch(folder, "hat.png", "sub/smile.png")
    monkeypatch.chdir(folder)
    summary = run(folder, Path(), folder / "hat.png", out=folder / "o").summary
    assert summary.written == 2
    assert sorted(texts(folder)) == ["o/hat.txt", "o/sub/smile.txt"]
    assert run(Path(), folder / "sub").summary.written == 2


def test_ctrl_c_finishes_what_is_in_flight(folder: Path) -> None:
    """No more pictures are taken; those under way are written; the rest waits for the next run."""
    touch(folder, *(f"hat{number}.png" for number in range(9)))
    scorer = Scorer(ahead=3)

    def interrupt(name: str) -> None:
        if name == "hat2.png" and not running.summary.interrupted:
            raise KeyboardInterrupt

    scorer.between = interrupt
    running = caption_folder(FolderJob((folder,)), scorer, CAPTIONER)
    outcomes = list(running)
    assert running.summary.interrupted
    assert len(outcomes) == len(texts(folder)) == 5
    assert run(folder).summary.written == 4


def test_a_second_ctrl_c_stops_at_once(folder: Path) -> None:
    """Somebody means it."""
    touch(folder, "hat.png")

    def interrupt(name: str) -> None:
        raise KeyboardInterrupt

    scorer = Scorer()
    scorer.between = interrupt
    with pytest.raises(KeyboardInterrupt):
        run(folder, scorer=scorer)


def test_ctrl_c_while_writing_loses_no_picture(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picture that was being written is written then."""
    touch(folder, "hat.png", "smile.png")
    replace, struck = os.replace, iter([True])

    def interrupted(path: str, target: str) -> None:
        if next(struck, False):
            raise KeyboardInterrupt
        replace(path, target)

    monkeypatch.setattr(os, "replace", interrupted)
    summary = run(folder).summary
    assert summary.interrupted
    assert sorted(path.name for path in folder.iterdir() if path.suffix != ".png") == [
        "hat.txt",
        "smile.txt",
    ]


def test_stop_does_what_ctrl_c_does(folder: Path) -> None:
    """For a page's button, or a program's own signal handler."""
    touch(folder, *(f"hat{number}.png" for number in range(9)))
    running = caption_folder(FolderJob((folder,)), Scorer(ahead=2), CAPTIONER)
    next(running)
    running.stop()
    assert len(list(running)) == 1
    assert running.summary.interrupted


def test_leftovers_of_dead_runs_are_swept(folder: Path) -> None:
    """In the folders that are captioned."""
    touch(folder, "hat.png")
    stray = folder / ".tagger-ffff1.0000-0"
    stray.touch()
    os.utime(stray, (0, 0))
    list(plan_folder(FolderJob((folder,))))
    assert stray.exists()  # a plan changes nothing
    run(folder)
    assert not stray.exists()


@pytest.mark.parametrize(
    ("code", "stops"), [(errno.ENOSPC, True), (errno.EROFS, True), (errno.EACCES, False)]
)
def test_a_full_disk_stops_the_run_with_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, stops: bool
) -> None:
    """Rather than failing picture after picture; what is there stays, nothing is left behind."""
    touch(folder, *(f"hat{number}.png" for number in range(9)))
    (folder / "hat0.txt").write_text("mine")

    def full(path: Path, data: bytes) -> None:
        raise OSError(code, "no")

    before = texts(folder)
    with monkeypatch.context() as patched:
        patched.setattr("tagger.folder.wholefile._put", full)
        summary = run(folder, on_existing="overwrite").summary
    assert bool(summary.stopped) is stops
    assert summary.failed == (0 if stops else 9)
    assert texts(folder) == before
    assert sorted(path.suffix for path in folder.iterdir()) == [".png"] * 9 + [".txt"]
    assert run(folder).summary.written == 8


@pytest.mark.parametrize("kind", [BackendError, ModelError])
def test_a_dead_device_stops_the_run(folder: Path, kind: type[TaggerError]) -> None:
    """Or a model whose outputs are no probabilities; the next run does the rest."""
    touch(folder, *(f"hat{number}.png" for number in range(9)))

    class Dying(Scorer):
        def take(self, most: int) -> list[Scored]:
            found = super().take(most)
            if len(self.asked) > 3:
                return [Scored(one.source, error=kind("cuda:0: lost")) for one in found]
            return found

    summary = run(folder, scorer=Dying()).summary
    assert (summary.stopped, summary.written) == ("cuda:0: lost", 3)
    assert not summary.interrupted
    assert run(folder).summary.written == 6


def test_a_journal_that_can_not_be_written_stops_the_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is changed that could not be undone."""
    touch(folder, "hat.png", "smile.png")
    journal = Journal(tmp_path / "j.sqlite")

    def full(*_: object) -> None:
        raise StoreError("no space")

    monkeypatch.setattr("tagger.folder.recorder.Recorder._record", full)
    running = caption_folder(FolderJob((folder,)), Scorer(), CAPTIONER, journal)
    list(running)
    assert running.summary.stopped == "no space"
    assert texts(folder) == {}


HATS = Captioner(Settings(Selection(exclude=("smile",))), LABELS, Thresholds(overall=0.5))


def recaption(folder: Path, how: str, captioner: Captioner = CAPTIONER) -> Summary:
    job = FolderJob((folder,), Folder(on_existing=how))  # pyright: ignore[reportArgumentType]
    running = caption_folder(job, Scorer(), captioner)
    list(running)
    return running.summary


def test_update_rewrites_only_what_tagger_wrote(folder: Path) -> None:
    """Hand-edited captions are left and counted; unchanged ones are not written."""
    touch(folder, "hat smile.png", "hat.png", "smile.png", "old.png")
    (folder / "old.txt").write_text("older than Tagger")
    recaption(folder, "skip")
    (folder / "smile.txt").write_text("1girl, smile, by me")
    stamp = (folder / "hat.txt").stat().st_ino
    summary = recaption(folder, "update", HATS)
    assert (summary.written, summary.same, summary.edited) == (1, 1, 2)
    assert (folder / "hat.txt").stat().st_ino == stamp
    assert texts(folder) == {
        "hat smile.txt": "1girl, hat",
        "hat.txt": "1girl, hat",
        "old.txt": "older than Tagger",
        "smile.txt": "1girl, smile, by me",
    }


@pytest.mark.parametrize("how", ["append", "prepend"])
def test_what_was_added_is_taken_back_before_other_tags_are_added(folder: Path, how: str) -> None:
    """However often, and also by `update`; the words of a person stay."""
    touch(folder, "hat smile.png")
    (folder / "hat smile.txt").write_text("mine")

    def expected(tags: str) -> dict[str, str]:
        return {"hat smile.txt": f"mine, {tags}" if how == "append" else f"{tags}, mine"}

    for captioner, by, tags in [
        (CAPTIONER, how, "1girl, hat, smile"),
        (HATS, how, "1girl, hat"),
        (CAPTIONER, "update", "1girl, hat, smile"),
        (HATS, "update", "1girl, hat"),
        (HATS, how, "1girl, hat"),
    ]:
        recaption(folder, by, captioner)
        assert texts(folder) == expected(tags)
    other = "prepend" if how == "append" else "append"
    recaption(folder, other)
    how = other
    assert texts(folder) == expected("1girl, hat, smile")


def test_a_run_of_captions_is_undone(folder: Path, tmp_path: Path) -> None:
    """Byte for byte, run by run, and created files are gone."""
    touch(folder, "hat.png", "smile.png")
    (folder / "hat.txt").write_bytes(b"\xef\xbb\xbfmine\r\n")
    first = {p.name: p.read_bytes() for p in folder.iterdir()}
    recaption(folder, "append")
    second = {p.name: p.read_bytes() for p in folder.iterdir()}
    recaption(folder, "overwrite", HATS)
    journal = Journal()
    for expected in (second, first):
        list(undo(journal, journal.find().run))
        assert {p.name: p.read_bytes() for p in folder.iterdir()} == expected


def test_old_captions_in_a_named_encoding_are_added_to(folder: Path) -> None:
    """And written as UTF-8."""
    touch(folder, "hat.png")
    (folder / "hat.txt").write_bytes("猫耳".encode("cp932"))
    run(folder, on_existing="append", encoding="cp932")
    assert texts(folder) == {"hat.txt": "猫耳, 1girl, hat"}
    assert run(folder, on_existing="append", encoding="cp932").summary.same == 1
    assert texts(folder) == {"hat.txt": "猫耳, 1girl, hat"}


def test_a_plan_says_what_would_be_done_without_doing_it(folder: Path) -> None:
    """No scorer is asked: `--dry-run` needs no model."""
    touch(folder, "a.png", "b.jpg", "b.png", "c.psd")
    (folder / "a.txt").write_text("by hand")
    before = sorted(folder.iterdir())
    job = FolderJob((folder,), Folder(on_existing="append"))
    plan = plan_folder(job)
    first, second, third = plan
    assert (first.picture.name, first.caption.name, first.kind) == ("a.png", "a.txt", "append")  # pyright: ignore
    assert (second.picture.name, second.kind) == ("b.jpg", "new")  # pyright: ignore
    assert isinstance(third, Refusal)
    assert plan.walk.ignored == {".psd": 1, ".txt": 1}
    assert plan_folder(job).tally() == {"append": 1, "new": 1, "refused": 1}
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("missing", r"missing: expected a folder of pictures, got nothing of that name"),
        (
            "notes.txt",
            r"notes\.txt: expected a folder or a picture \(\.avif .*\), got another file",
        ),
        ("empty", r"empty: expected pictures, got none: name a folder that holds some"),
        ("others", r"others: expected pictures, got only other files \(2 \.psd, 1 without ext"),
    ],
)
def test_a_root_that_holds_nothing_is_refused(tmp_path: Path, name: str, sentence: str) -> None:
    """One sentence, before anything is scored or written."""
    touch(tmp_path, "notes.txt", "others/a.psd", "others/b.psd", "others/README")
    (tmp_path / "empty").mkdir()
    scorer = Scorer()
    for act in (lambda: run(tmp_path / name, scorer=scorer), lambda: list(plan(tmp_path / name))):
        with pytest.raises(UsageError, match=sentence):
            act()
    assert scorer.asked == []


def plan(*roots: Path, **options: object) -> Iterator[object]:
    return iter(plan_folder(FolderJob(roots, Folder(**options))))  # pyright: ignore


def test_no_root_is_refused() -> None:
    """Never the working folder by default."""
    with pytest.raises(UsageError, match="expected a folder of pictures, got none"):
        plan()


def test_sub_folders_left_out_are_mentioned(folder: Path) -> None:
    """It may be why nothing was found."""
    touch(folder, "sub/a.png")
    with pytest.raises(UsageError, match=r"got none \(sub-folders were left out\)"):
        list(plan(folder, recursive=False))


def test_a_file_is_no_folder_for_captions(folder: Path) -> None:
    """--out names a file, or lies below one."""
    touch(folder, "a.png", "x.txt")
    with pytest.raises(UsageError, match=r"x\.txt: expected a folder for the captions, got a file"):
        plan(folder, out=folder / "x.txt")
    with pytest.raises(UsageError, match=r"x\.txt: expected a folder for the captions, got a file"):
        plan(folder, out=folder / "x.txt" / "captions")


def test_a_folder_that_can_not_be_written_to_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before hours of inference."""
    touch(folder, "a.png")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UsageError, match="name another for the captions"):
        plan(folder)
    with pytest.raises(UsageError, match="expected a folder that can be written to"):
        plan(folder, out=folder / "new" / "captions")


def test_it_all_fits_together(folder: Path, tmp_path: Path) -> None:
    """Real pictures through the real pipeline and a fake backend; one of them is none."""
    model_folder = tmp_path / "model"
    model_folder.mkdir()
    rows = "tag_id,name,category,count\n1,1girl,0,9\n2,hat,0,8\n3,smile,0,7\n"
    (model_folder / "selected_tags.csv").write_text(rows, encoding="utf-8")
    contract = Contract(preprocess=Preprocess(size=(16, 16)))
    model = Model("tiny", ModelSpec("tiny", (contract,)), model_folder, (contract,))
    backend = FakeBackend(3, streams=2, contract=contract)
    tagger = Tagger(model, backend)
    for number in range(20):
        Image.new("RGB", (20, 10 + number), (number, 0, 0)).save(folder / f"{number}.png")
    (folder / "broken.png").write_text("no picture")
    captioner = Captioner(Settings(), tagger.labels, Thresholds(overall=1e-6))
    with Pipeline(tagger) as pipeline:
        running = caption_folder(FolderJob((folder,)), pipeline, captioner)
        outcomes = {outcome.picture.name: outcome for outcome in running}
    assert running.summary.written == 20
    assert list(running.summary.failures) == [(folder / "broken.png", "text, not a picture")]
    for number in range(20):
        written = (folder / f"{number}.txt").read_text()
        caption = outcomes[f"{number}.png"].caption
        assert caption is not None
        assert sorted(written.split(", ")) == ["1girl", "hat", "smile"]
        assert written == caption.text
