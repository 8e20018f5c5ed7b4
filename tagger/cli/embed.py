"""`tagger embed FOLDER`: pictures as vectors; the most alike, and groups of alike ones."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..argv import flagged, parse
from ..backends import Embedder, open_embedder
from ..embeddings.embed import Embedded, embed
from ..embeddings.nearest import nearest
from ..embeddings.vectors import Vectors, read_vectors, write_vectors
from ..errors import BackendError, UsageError
from ..folder.walk import walk
from ..options import option
from ..settings import Precision, Runtime
from . import DONE, FAILED
from .flags import borrowed
from .opening import find_model
from .screen import line, progress, say
from .written import check_file


@dataclass(frozen=True)
class EmbedFlags:
    """Say which pictures a model sees alike: vectors, nearest pictures, groups."""

    source: Path = option(
        help="A folder of pictures, or a table of vectors that was written before.",
        metavar="FOLDER|TABLE",
    )
    out: Path | None = option(
        None,
        help="Write the vectors as Parquet: path, hash, model, head, vector.",
        metavar="FILE",
    )
    similar: Path | None = option(
        None, help="Print the pictures nearest to this one.", metavar="IMAGE"
    )
    count: int = option(10, help="How many, with --similar.", ge=1)
    page: Path | None = option(
        None, help="Write a page: a map of all pictures, and groups with galleries.", metavar="FILE"
    )
    groups: int = option(
        0,
        help="How many groups on the page; 0: as many as the Bayesian information criterion says, "
        "at most 20.",
        ge=0,
    )
    model: str = option("", help="A model's name or folder. `tagger models` lists them.")
    head: str = option(
        "",
        help="Vectors of a head with a hidden layer of its own, of a model of several; without it "
        "the trunk's.",
    )
    recursive: bool = option(True, help="Folders inside the folder too.")
    json: bool = option(False, help="One JSON object a line, for scripts.")
    device: str = borrowed(Runtime, "device")
    precision: Precision = borrowed(Runtime, "precision")


def run(argv: Sequence[str], prog: str) -> int:
    """Embed; 1 if a picture could not be read."""
    flags = parse(EmbedFlags, argv, prog, positional=["source"])
    _check(flags)
    failed = 0
    if flags.source.is_dir():
        found = _of_folder(flags)
        failed = len(found.failed)
        vectors = found.vectors
    else:
        vectors = read_vectors(flags.source)
    if flags.out is not None:
        write_vectors(flags.out, vectors)
        line(f"{flags.out}: {len(vectors):,} vectors of {vectors.values.shape[1]:,} numbers")
    if flags.similar is not None:
        _print_similar(flags, vectors)
    if flags.page is not None:
        _write_page(flags, vectors)
    return FAILED if failed else DONE


def _check(flags: EmbedFlags) -> None:
    """Refuse what can't be done before a model runs."""
    if not flags.source.exists():
        raise UsageError(f"{flags.source}: expected a folder or a table, got nothing there")
    if flags.out is None and flags.similar is None and flags.page is None:
        raise UsageError("expected --out, --similar or --page, got none of them: say what to make")
    check_file("--out", flags.out)
    check_file("--page", flags.page)
    if flags.similar is not None and not flags.similar.is_file():
        raise UsageError(f"--similar: expected a picture, got none at {flags.similar}")
    table = flags.out is not None or flags.source.is_file()
    needed = [*(["pyarrow"] if table else []), *(["sklearn", "jinja2"] if flags.page else [])]
    for name in needed:
        if not importlib.util.find_spec(name):
            raise ModuleNotFoundError(name=name)


def _of_folder(flags: EmbedFlags) -> Embedded:
    pictures = [found.path for found in walk([flags.source], flags.recursive)]
    if not pictures:
        raise UsageError(f"{flags.source}: expected pictures, got a folder without any")
    embedder = _open(flags, flags.model)
    name = find_model(flags.model).name
    try:
        with progress("Embedding", "pictures") as tell:
            found = embed(pictures, embedder, name, lambda done: tell(done, len(pictures)))
    finally:
        embedder.close()
    for _, why in found.failed:
        say(why)
    if not len(found.vectors):
        raise UsageError(f"{flags.source}: expected pictures that can be read, got none")
    return found


def _open(flags: EmbedFlags, model: str) -> Embedder:
    try:
        with flagged(Runtime, head="head"):
            runtime = Runtime(flags.device, flags.precision)
            return open_embedder(find_model(model), runtime, flags.head)
    except BackendError as error:  # nothing has run yet
        raise UsageError(str(error)) from error


def _print_similar(flags: EmbedFlags, vectors: Vectors) -> None:
    """The nearest pictures, the one itself left out where it is among them."""
    assert flags.similar is not None
    embedder = _open(flags, flags.model or ("" if flags.source.is_dir() else vectors.model))
    try:
        asked = embed([flags.similar], embedder, vectors.model)
    finally:
        embedder.close()
    if asked.failed:
        raise UsageError(asked.failed[0][1])
    own = str(flags.similar.resolve())
    left = flags.count
    for row, cosine in nearest(vectors, asked.vectors.values[0], flags.count + 1):
        path = vectors.paths[row]
        if str(Path(path).resolve()) == own or not left:
            continue
        left -= 1
        if flags.json:
            line(json.dumps({"path": path, "cosine": round(cosine, 6)}, ensure_ascii=False))
        else:
            line(f"{cosine:.3f}  {path}")


def _write_page(flags: EmbedFlags, vectors: Vectors) -> None:
    from ..embeddings.clusters import cluster
    from ..embeddings.page import make_page
    from ..report.page import write_page

    assert flags.page is not None
    clusters = cluster(vectors, flags.groups)
    write_page(flags.page, make_page(vectors, clusters, f"Alike pictures in {flags.source.name}"))
    count = "1 group" if clusters.count == 1 else f"{clusters.count} groups"
    line(f"{flags.page}: {len(vectors):,} pictures in {count}")
