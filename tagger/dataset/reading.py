"""The posts as they were read, kept for the next build of the same sources.

They lie in a database of their own, `posts-KEY.duckdb`. The key is of the sources' files (path,
size, time, inode), the format asked for and the versions that read them; so what has changed is
read anew. The file appears whole, and the newest alone is kept.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..booru import formats, posts
from ..booru.files import Metadata
from ..booru.posts import Reading
from ..folder.strays import beside
from .before import Before, stamp_of
from .buildoptions import BuildOptions

if TYPE_CHECKING:
    import duckdb

Tell = Callable[[str, int, int], None]
Files = Sequence[Sequence[Metadata]]
"""The files of metadata of each source."""
_CATALOG = "reading"


def read(
    connection: duckdb.DuckDBPyConnection,
    options: BuildOptions,
    files: Files,
    before: Before,
    tell: Tell,
) -> list[Reading]:
    """Fill the tables of `booru.posts`, or take them over; gives what came of each source.

    `files` are the sources' files of metadata.
    """
    key = _key(options, files) if before.folder else ""
    if not before.folder or not key:
        return _read(connection, options, files, tell)
    path = before.folder / f"posts-{key}.duckdb"
    if path.is_file():
        readings = _attached(connection, path)
        if readings:
            day = datetime.fromtimestamp(path.stat().st_mtime).strftime("%Y-%m-%d %H:%M")
            before.posts = f"{sum(one.posts for one in readings):,} posts as read {day}"
            return readings
        path.unlink()
    with _written(connection, path):
        readings = _read(connection, options, files, tell)
        rows = ((one.format, one.posts, one.unreadable, one.rating_s) for one in readings)
        connection.execute(
            "CREATE TABLE readings (format VARCHAR, posts BIGINT, unreadable BIGINT, said VARCHAR)"
        )
        connection.executemany("INSERT INTO readings VALUES (?, ?, ?, ?)", list(rows))
    _attached(connection, path)
    return readings


def _read(
    connection: duckdb.DuckDBPyConnection, options: BuildOptions, files: Files, tell: Tell
) -> list[Reading]:
    posts.create(connection)
    readings: list[Reading] = []
    for number, (source, own) in enumerate(zip(options.sources, files, strict=True)):
        tell("reading posts", number, len(options.sources))
        readings.append(formats.read_source(connection, source, number, options.format, own))
    return readings


def _key(options: BuildOptions, files: Files) -> str:
    """What the posts depend on, as 32 hex digits; empty where that can't be told."""
    import duckdb

    parts: list[object] = [__version__, duckdb.__version__, options.format, [*posts.COLUMNS]]
    for source, own in zip(options.sources, files, strict=True):
        name = options.format
        if not formats.FORMATS[formats.recognise(source, own) if name == "auto" else name].filed:
            return ""
        stamps = [stamp for file in own for stamp in _stamps(file)]
        if None in stamps:
            return ""
        parts.append(stamps)
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def _stamps(file: Metadata) -> Iterator[tuple[str, int, int, int] | None]:
    """What changes with a file and, of a database, its log; None if it can't be told."""
    log = file.path.with_name(f"{file.path.name}-wal")
    for path in (file.path, log) if file.shape == "sqlite" and log.exists() else (file.path,):
        stamp = stamp_of(path)
        yield (str(path.resolve()), *stamp) if stamp else None


@contextmanager
def _written(connection: duckdb.DuckDBPyConnection, path: Path) -> Iterator[None]:
    """Tables that the block makes lie in a database that takes the path once it is whole."""
    part = Path(beside(str(path)))
    part.mkdir()
    home = connection.execute("SELECT current_database()").fetchall()[0][0]
    try:
        connection.execute(f"ATTACH {posts.text(part / path.name)} AS {_CATALOG}")
        connection.execute(f"USE {_CATALOG}.main")
        try:
            yield
        finally:
            connection.execute(f'USE "{home}".main')
        connection.execute(f"CHECKPOINT {_CATALOG}")
        connection.execute(f"DETACH {_CATALOG}")
        for old in path.parent.glob("posts-*.duckdb"):
            with suppress(OSError):  # another build reads it
                old.unlink()
        (part / path.name).replace(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _attached(connection: duckdb.DuckDBPyConnection, path: Path) -> list[Reading]:
    """What the file says of its sources, its tables beside the connection's own; [] if broken."""
    import duckdb

    home = connection.execute("SELECT current_database()").fetchall()[0][0]
    try:
        connection.execute(f"ATTACH {posts.text(path)} AS {_CATALOG} (READ_ONLY)")
        found = connection.execute(f"SELECT * FROM {_CATALOG}.readings").fetchall()
    except duckdb.Error:
        with suppress(duckdb.Error):
            connection.execute(f"DETACH {_CATALOG}")
        return []
    connection.execute("SET search_path = ?", [f"{home}.main,{_CATALOG}.main"])
    return [Reading(*row) for row in found]
