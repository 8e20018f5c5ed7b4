"""Which captions a verb is about: folders, `--where`, how they are read, what is known of them."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..argv import flagged
from ..caption import CaptionFormat
from ..errors import OptionError, TaggerError
from ..folder.captions import Captions
from ..folder.corpus import CorpusEdit
from ..folder.edit import Edit
from ..folder.editing import Rules
from ..folder.kept import kept_scores
from ..folder.matching import Matcher, asks_scores
from ..folder.query import Query
from ..folder.queryreader import parse
from ..folder.querywords import QueryError
from ..labels import LabelSet
from ..models.registry import DEFAULT, default_registry
from ..models.spec import Model
from ..options import option
from ..settings import Folder
from ..spelling import key
from ..store import Store
from .flags import borrowed


@dataclass(frozen=True)
class SelectFlags:
    """The captions of folders, or those of them that a query means."""

    folders: tuple[Path, ...] = option((), help="Folders of pictures.", metavar="FOLDER")
    where: str = option(
        "",
        help="Only captions that are so: '1girl and not \"long hair\"', 'len>75', "
        "'score(smile)>0.9', 'rating=general', 'path=*.gif'.",
        metavar="QUERY",
    )
    model: str = option(
        "", help="The model whose categories and kept scores are meant; without it the default."
    )
    separator: str = borrowed(CaptionFormat, "separator")
    head_separator: str = borrowed(CaptionFormat, "head_separator")
    extension: str = borrowed(Folder, "extension")
    recursive: bool = borrowed(Folder, "recursive", help="Leave sub-folders out.")
    encoding: str = borrowed(Folder, "encoding")

    def captions(self) -> Captions:
        """The captions of the folders."""
        with flagged(Folder):
            folder = Folder(
                extension=self.extension, recursive=self.recursive, encoding=self.encoding
            )
        return Captions(self.folders, folder)

    def known_model(self) -> Model | None:
        """The model whose labels are known; the default only where it is on disk.

        Raises:
            ModelError: the one that is named is unknown, or not on this machine.
        """
        registry = default_registry()
        model = registry.find(self.model or DEFAULT, allow_paths=True)
        if not model.on_disk and self.model:
            raise registry.missing(model)
        return model if model.on_disk else None


@contextmanager
def rules(
    flags: SelectFlags,
    model: Model | None,
    known: Mapping[str, str],
    edits: Sequence[Edit | CorpusEdit] = (),
) -> Iterator[Rules]:
    """What is done to which captions; the store is open meanwhile, if the query needs it.

    known: the `categories` of tags.
    """
    with flagged(CaptionFormat):
        form = CaptionFormat(separator=flags.separator, head_separator=flags.head_separator)
    query = _query(flags.where)
    with ExitStack() as opened:
        scores_of = None
        if query is not None and model is not None and asks_scores(query):
            scores_of = kept_scores(opened.enter_context(Store()), model)
        selected = None if query is None else Matcher(query, scores_of)
        yield Rules(edits, selected, form, known.keys())


def categories(model: Model | None) -> dict[str, str]:
    """From a tag's key to its category: as the model has it, else any other on this machine."""
    found: dict[str, str] = {}
    for labels in itertools.chain([model.labels] if model else [], _labels_here()):
        for label in labels:
            if label.name:
                found.setdefault(key(label.name), label.category.name)
    return found


def _labels_here() -> Iterator[LabelSet]:
    """The labels of every model on this machine; the bundled one, which knows few, comes last."""
    rows = [row for row in default_registry().list() if row.on_disk and not row.reason]
    for row in sorted(rows, key=lambda row: row.name == "demo"):
        with suppress(TaggerError):  # a broken label file: `tagger models` says so
            yield row.model().labels


def _query(text: str) -> Query | None:
    try:
        return parse(text) if text else None
    except QueryError as error:
        print(error.pointed(), file=sys.stderr)
        raise OptionError(f"--where, {error}") from None
