"""`tagger caption FOLDER...`: a caption beside every picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..argv import flagged, parse
from ..caption import CaptionFormat
from ..captioner import Captioner
from ..errors import OptionError
from ..folder.captiontags import CaptionTags, WithCaptions
from ..folder.inputs import expand
from ..folder.job import FolderJob, plan_folder
from ..folder.journal import Journal
from ..folder.naming import Naming
from ..folder.plan import Change, Refusal
from ..folder.recall import Keeping, Memory, Recall
from ..folder.run import Run, Scorer, caption_folder
from ..folder.summary import Summary, write_report
from ..models.spec import Contract, Model
from ..options import option
from ..pipeline import Pipeline, Union
from ..settings import Folder, OnExisting, Precision, Runtime, Settings
from ..store import Store
from . import DONE, FAILED, INTERRUPTED
from .flags import CaptionFlags, borrowed
from .interrupt import asked_to_stop
from .opening import captioner_for, find_models, open_model
from .outputs import Output
from .screen import line, progress, say
from .summing import print_summary


@dataclass(frozen=True)
class FolderFlags(CaptionFlags):
    """Write a caption beside every picture of a folder; those that are there stay as they are."""

    folders: tuple[Path, ...] = option(
        (), help="Folders of pictures, pictures, or patterns in quotation marks.", metavar="FOLDER"
    )
    from_list: tuple[Path, ...] = option(
        (), help="Text file with a folder or picture to a line.", metavar="FILE"
    )
    include_path: tuple[str, ...] = option(
        (), help="Only pictures whose path below the folder fits.", metavar="PATTERN"
    )
    exclude_path: tuple[str, ...] = option(
        (), help="No pictures whose path below the folder fits.", metavar="PATTERN"
    )
    out: Path | None = borrowed(Folder, "out", metavar="DIR")
    on_existing: OnExisting = borrowed(Folder, "on_existing")
    extension: str = borrowed(Folder, "extension")
    name: str = borrowed(Folder, "name")
    recursive: bool = borrowed(Folder, "recursive", help="Leave sub-folders out.")
    dry_run: bool = option(False, help="Say what would be written where, and write nothing.")
    diff: bool = option(
        False, help="With --dry-run make the captions too, and show those that would change."
    )
    json_sidecar: bool = borrowed(Folder, "json_sidecar")
    output: Path | None = option(
        None,
        help="File that gathers the captions as well: kohya's .json or .jsonl, Hugging Face's "
        "metadata.jsonl, .csv; or every score of every picture: .parquet.",
        metavar="FILE",
    )
    full_paths: bool = option(False, help="Name pictures in --output by their whole paths.")
    report: Path | None = option(
        None, help="File for what became of the pictures, as JSON.", metavar="FILE"
    )
    encoding: str = borrowed(Folder, "encoding")
    store: Path | None = option(
        None, help="File of kept scores; without it one for all folders.", metavar="FILE"
    )
    rehash: bool = option(False, help="Read every picture, also those that look unchanged.")
    with_captions: bool = option(
        False,
        help="Take the tags of captions that are there as certain, beside what the model says.",
    )
    all_scores: bool = option(
        False, help="Keep every score; without it those of 0.01 and more, and ratings."
    )
    device: str = borrowed(Runtime, "device")
    precision: Precision = borrowed(Runtime, "precision")
    batch: int = borrowed(Runtime, "batch")
    threads: int = borrowed(Runtime, "threads")

    def job(self) -> FolderJob:
        """What is to be captioned, and where the captions go."""
        with flagged(Folder):
            folder = Folder(
                self.out,
                self.on_existing,
                self.extension,
                self.recursive,
                encoding=self.encoding,
                name=self.name,
                json_sidecar=self.json_sidecar,
            )
            Naming(folder.name, folder.extension)
        roots = expand(self.folders, self.from_list)
        return FolderJob(roots, folder, self.include_path, self.exclude_path)

    def runtime(self) -> Runtime:
        """What runs the model."""
        with flagged(Runtime):
            return Runtime(self.device, self.precision, self.batch, self.threads)


def run(argv: Sequence[str], prog: str) -> int:
    """Caption, or with --dry-run show the plan; 1 if a picture failed, 130 after Ctrl-C."""
    flags = parse(FolderFlags, argv, prog, positional=["folders"])
    settings, job = flags.settings(), replace(flags.job(), argv=tuple(argv))
    if flags.diff and not flags.dry_run:
        raise OptionError("--diff: expected --dry-run too: it shows what would be written")
    if flags.dry_run and not flags.diff:
        return _show_plan(job)
    tally = plan_folder(job).tally()  # refuses what can't be done before a model is looked for
    models, blend = find_models(flags.model), flags.blend()
    output = Output(flags.output, flags.full_paths)
    output.check(models)
    captioner = captioner_for(models, settings, blend)
    with ExitStack() as stack:
        store = stack.enter_context(Store(flags.store))
        journal = stack.enter_context(Journal())
        keeping = Keeping(flags.rehash, flags.all_scores or output.asks_scores)
        count = tally.total() - tally["skip"]
        runtime = replace(flags.runtime(), streams=count)  # a few have all of the processor
        memories = [Memory(store, m, _sufficing(m, models, captioner), keeping) for m in models]
        opened: list[Pipeline] = []
        recalls = [
            Recall(memory, partial(_open, model, runtime, stack, opened))
            for memory, model in zip(memories, models, strict=True)
        ]
        scorer: Scorer = (
            recalls[0] if len(recalls) == 1 else Union(recalls, blend, captioner.decides)
        )
        if flags.with_captions:
            tags = _tags_of(job, settings.format, models[0])
            scorer = WithCaptions(scorer, tags)
            captioner = captioner_for(models, settings, blend, tags.labels)
        summary = Summary.whole() if flags.report else Summary()
        running = caption_folder(
            job, scorer, captioner, journal, dry=flags.dry_run, summary=summary
        )
        _watch(running, count, partial(_where, opened), diff=flags.diff)
        print_summary(summary, recalls[0])
        if not flags.dry_run:
            output.write(job, running, recalls[0], models[0])
    if flags.dry_run:
        say("nothing was written")
    if flags.report:
        write_report(summary, flags.report)
    if summary.interrupted:
        return INTERRUPTED
    return FAILED if summary.failures or summary.stopped else DONE


def _tags_of(job: FolderJob, form: CaptionFormat, model: Model) -> CaptionTags:
    """The tags that the captions beside a job's pictures have."""
    from .selecting import categories  # all that edits captions comes with it

    pictures = (task.picture for task in plan_folder(job))
    return CaptionTags(pictures, job.folder, form, categories(model))


def _sufficing(model: Model, models: Sequence[Model], captioner: Captioner) -> Captioner:
    """What says whether kept scores of a model suffice; a union says so of what it joined."""
    if len(models) == 1:
        return captioner
    return Captioner(Settings(), model.labels, model.thresholds)


def _open(
    model: Model, runtime: Runtime, stack: ExitStack, opened: list[Pipeline]
) -> tuple[Pipeline, Contract]:
    """Open the model and what feeds it, until the stack is closed."""
    tagger = open_model(model, runtime)
    backend = tagger.backend
    pipeline = stack.enter_context(Pipeline(tagger, runtime))
    how = f"{backend.library}, {backend.dtype}, {pipeline.at_once} at once"
    say(f"{tagger.name} on {backend.device} ({how})")
    opened.append(pipeline)
    return pipeline, backend.contract


def _where(opened: Sequence[Pipeline]) -> str:
    """What runs the models, and how many pictures at once; empty while none is needed."""
    return ", ".join(dict.fromkeys(f"{each.device}, {each.at_once} at once" for each in opened))


def _watch(running: Run, total: int, where: Callable[[], str], *, diff: bool) -> None:
    """Drive a run to its end, showing how far it is; Ctrl-C stops it and leaves the summary."""
    done = 0
    with progress("Captioning", "pictures") as tell, asked_to_stop(running.stop):
        while True:
            try:
                for outcome in running:
                    if diff:
                        _show_diff(outcome.change)
                    done += 1
                    tell(done, total, where())
                return
            except KeyboardInterrupt:
                if running.summary.interrupted:  # the second one: somebody means it
                    return
                running.stop()


def _show_diff(change: Change | None) -> None:
    """A caption that would be another: its line before and after."""
    if change is not None and change.writes:
        line(change.caption)
        if change.before is not None and change.before.strip():
            line(f"- {change.before.rstrip()}")
        line(f"+ {change.after.rstrip()}")


def _show_plan(job: FolderJob) -> int:
    refused = 0
    counts: dict[str, int] = {}
    for task in plan_folder(job):
        if isinstance(task, Refusal):
            refused += 1
            line(f"{task.picture}: {task.reason}")
            continue
        counts[task.kind] = counts.get(task.kind, 0) + 1
        line(f"{task.kind:<10} {task.picture} -> {task.caption}")
    said = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing to do"
    say(f"{said}; nothing was written" + (f"; {refused} refused" if refused else ""))
    return FAILED if refused else DONE
