"""Editing on the page Captions: one caption, some, or a batch; each a run that can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import CaptionError, UsageError
from ...folder.confines import check_within
from ...folder.corpus import CorpusEdit
from ...folder.dispose import apply_moves, kept_place, plan_moves
from ...folder.edit import Edit
from ...folder.editing import EditPlan, Rules, apply_edits
from ...folder.edits import Add, Remove
from ...folder.journal import FileChange, Recorder
from ...folder.matching import Facts, Matcher
from ...folder.query import Length
from ...folder.sidecars import encode_caption, mark_of
from ...folder.wholefile import get_file
from ...folder.words import read_words
from ..app import App
from ..jobs import ENDED, Job
from .desk import Desk, matcher
from .drafts import name_of
from .fragments.common import plural
from .view import literal

PATIENCE_S = 20.0
"""How long a listener waits for an edit; a longer one goes on, and is told as such."""

Applied = Iterator[tuple[Path, str]]


@dataclass(frozen=True)
class Done:
    """What an edit did. run: what undoes it, None where nothing changed."""

    said: str
    run: int | None
    failed: bool = False


class Chosen(Matcher):
    """Means some pictures, whatever their captions say."""

    def __init__(self, pictures: Iterable[Path]) -> None:
        super().__init__(Length(">=", 0))
        self._pictures = frozenset(pictures)

    def __call__(self, facts: Facts) -> bool:
        """Tell whether a picture is one of them."""
        return facts.picture in self._pictures


def save(app: App, desk: Desk) -> Done:
    """Save the caption of one picture as it stands, or of several what was changed of it.

    Raises:
        UsageError: nothing is selected, or what stands in the editor is of other pictures.
        TaggerError: it can't be written.
    """
    pictures = desk.selection
    if not pictures:
        raise UsageError("expected selected pictures, got none: click one")
    of, text = desk.drafts.standing
    if of != name_of(desk.selected):
        raise UsageError("expected the caption of the selected pictures, got another: try again")
    line = " ".join(text.split())
    if len(pictures) == 1:
        return _performed(app, 1, lambda to: _write(app, desk, pictures[0], line, to))
    draft = desk.drafts.of(of)
    edits = _differences(desk, draft.before, line) if draft else []
    if not edits:
        return Done("Nothing was changed.", None)
    plan = planned(app, desk, edits, pictures)
    return _performed(app, len(pictures), lambda to: apply_edits(plan, to))


def planned(
    app: App, desk: Desk, edits: Sequence[Edit | CorpusEdit], pictures: Sequence[Path] | None,
    model: str = "",
) -> EditPlan:  # fmt: skip
    """Edits of these pictures' captions, or without any of all that the filter means."""
    meant = Chosen(pictures) if pictures is not None else matcher(app, desk.query, model)
    rules = Rules(edits, meant, desk.settings.format, desk.known)
    captions = desk.captions()
    _check(app, [desk.root] if desk.root else [])
    return EditPlan(captions, rules)


def apply(app: App, plan: EditPlan) -> Done:
    """Do what was previewed."""
    return _performed(app, 0, lambda to: apply_edits(plan, to))


def remove(app: App, desk: Desk) -> Done:
    """Move the chosen pictures with their captions into a kept place of ours."""
    _check(app, [desk.root] if desk.root else [])
    moves = plan_moves(desk.captions(), Rules(selected=Chosen(desk.selection)), kept_place())
    return _performed(app, len(moves), lambda to: apply_moves(moves, to), "file", "moved away")


def undo(app: App, desk: Desk) -> Done:
    """Take the last edit of this page back."""
    if desk.run is None:
        return Done("There is nothing to undo.", None)
    job = app.undo(desk.run)
    return replace(_awaited(job, lambda: _undone(job.done)), run=None)


def _undone(files: int) -> str:
    return (
        f"Undone: {plural(files, 'file')} {'is as it was' if files == 1 else 'are as they were'}."
    )


def _performed(
    app: App,
    total: int,
    work: Callable[[Recorder], Applied],
    what: str = "caption",
    done: str = "changed",
) -> Done:
    """Do it as a job, and wait a while for its end."""

    def perform(job: Job) -> None:
        recorder = app.journal.begin("edit", ("on the page",))
        job.tell(total=total)
        failed = 0
        for at, (path, reason) in enumerate(work(recorder), start=1):
            failed += bool(reason)
            if reason:
                job.tell(
                    failed=failed, message=reason if str(path) in reason else f"{path}: {reason}"
                )
            job.tell(done=at, written=at - failed, run=recorder.run)
            job.check()

    job = app.jobs.start("edit", "captions", perform)
    return _awaited(job, lambda: f"{plural(job.written, what)} {done}.")


def _awaited(job: Job, said: Callable[[], str]) -> Done:
    job.wait(PATIENCE_S)
    if job.state not in ENDED:
        return Done("It takes a while, and goes on without this page.", job.run)
    failed = job.state != "done" or bool(job.failed)
    return Done(" ".join(filter(None, (said(), job.message))), job.run, failed)


def _write(app: App, desk: Desk, picture: Path, text: str, recorder: Recorder) -> Applied:
    path = desk.caption_of(picture)
    _check(app, [path])
    before = get_file(path)
    mark = mark_of(before or b"")
    end = b"\n" if before and before.endswith(b"\n") else b""
    if not text:
        raise CaptionError(f"{path.name}: expected a caption, got nothing: delete the file instead")
    after = mark + encode_caption(path, text) + end
    if after != before:
        recorder.apply(FileChange(path, before, after, "edit"))
        yield path, ""


def _differences(desk: Desk, before: str, after: str) -> list[Edit]:
    """The edits between the tags that several captions share and what they shall share."""
    form = desk.settings.format
    old = {word.key: word.text for word in read_words(before, form)}
    new = {word.key: word.text for word in read_words(after, form)}
    gone = [literal(text) for name, text in old.items() if name not in new]
    come = [text for name, text in new.items() if name not in old]
    edits: list[Edit] = [Remove(tuple(gone))] if gone else []
    return [*edits, Add(tuple(come))] if come else edits


def _check(app: App, paths: Sequence[Path]) -> None:
    roots = app.host.roots()
    if roots is not None:
        check_within(paths, roots)
