"""`tagger import PATH...`: scores that another tagger kept, taken up; nothing is inferred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ..argv import parse
from ..errors import ModelError, OptionError, UsageError
from ..folder.dbjson import NAME, TITLES, DbJson
from ..folder.imports import Importer, Report, Sources
from ..folder.memory import imported
from ..models.registry import default_registry
from ..models.spec import Model
from ..options import option
from ..store import Store
from . import DONE, FAILED
from .screen import line, progress, say

SHOWN = 20
"""Failures, and tags, that are named one by one."""


@dataclass(frozen=True)
class ImportFlags:
    """Take up the scores that another tagger kept of a folder's pictures, without inference.

    What is read: picobyte's db.json, and JSON files beside the pictures, toriato's or our own.
    `tagger caption` then goes by these scores where it has none of its own.
    """

    paths: tuple[Path, ...] = option(
        (), help="Folders of pictures; a db.json that lies elsewhere.", metavar="PATH"
    )
    model: str = option("", help="The model whose scores they are, where the files do not say.")
    store: Path | None = option(
        None, help="File of kept scores; without it one for all folders.", metavar="FILE"
    )
    dry_run: bool = option(False, help="Say what would be taken up, and keep nothing.")
    forget: bool = option(False, help="Drop what was imported for --model, and import nothing.")


def run(argv: Sequence[str], prog: str) -> int:
    """Import, and say what; 1 if a file could not be read."""
    flags = parse(ImportFlags, argv, prog, positional=["paths"])
    if flags.forget:
        return _forget(flags)
    folders, databases = _places(flags.paths)
    sources = Sources(databases, _find, flags.model)
    if flags.dry_run:
        report = _watch(Importer(sources, None), folders)
    else:
        with Store(flags.store) as store:
            report = _watch(Importer(sources, store), folders)
    _print(report, dry=flags.dry_run)
    return FAILED if report.failures else DONE


def _places(paths: Sequence[Path]) -> tuple[list[Path], list[DbJson]]:
    """The folders, and the databases named or lying in them."""
    if not paths:
        raise UsageError("expected a folder of pictures, got none: name one")
    folders = [path for path in paths if path.is_dir()]
    files = [path for path in paths if not path.is_dir()]
    files += [folder / NAME for folder in folders if (folder / NAME).is_file()]
    databases = [DbJson(path) for path in dict.fromkeys(files)]
    return folders or [path.parent for path in files], databases


def _find(name: str) -> Model | None:
    """A model by its name, or by the title that other programs gave it."""
    registry = default_registry()
    try:
        row = registry.row(TITLES.get(name, name), allow_paths=True)
    except ModelError:
        return None
    model = row.model()
    if not model.on_disk:
        raise registry.missing(model)
    return model


def _watch(importer: Importer, folders: Sequence[Path]) -> Report:
    with progress("Importing", "pictures") as tell:
        for done in importer.run(folders):
            tell(done, 0)
    if not importer.report.pictures:
        raise UsageError(f"{', '.join(map(str, folders))}: expected pictures, got none")
    return importer.report


def _print(report: Report, *, dry: bool) -> None:
    for name, count in report.taken.items():
        line(f"{name}: scores of {count:,} pictures")
    if not report.taken:
        print(f"no scores beside {report.pictures:,} pictures")
    if report.absent:
        print(f"results in a db.json whose picture is not there: {report.absent:,}")
    if report.unknown:
        named = ", ".join(f"{tag} {n:,}" for tag, n in report.unknown.most_common(SHOWN))
        more = f", and {len(report.unknown) - SHOWN:,} more" if len(report.unknown) > SHOWN else ""
        line(f"tags that the model does not have, left out: {named}{more}")
    for path, reason in islice(report.failures, SHOWN):
        say(reason if str(path) in reason else f"{path}: {reason}")
    if len(report.failures) > SHOWN:
        say(f"and {len(report.failures) - SHOWN:,} more")
    if dry:
        print("nothing was kept")


def _forget(flags: ImportFlags) -> int:
    if not flags.model or flags.paths or flags.dry_run:
        raise OptionError("--forget: expected --model and nothing else beside it")
    model = _find(flags.model)
    if model is None:
        raise UsageError(f"--model: expected a model that is known, got {flags.model!r}")
    with Store(flags.store) as store:
        print(f"{store.forget(*imported(model)):,} imported results of {model.name} dropped")
    return DONE
