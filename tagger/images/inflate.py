"""A PNG whose pixels ISA-L has inflated, so that a decoder need not: twice as fast.

Inflating is half to two thirds of what decoding a PNG takes. No decoder takes rows that are
inflated already, but all read a PNG that was never compressed: here the same chunks are given out
with the pixels in stored blocks (RFC 1951, 3.2.4), which a decoder copies. It still undoes the
filters of the rows, so the picture is the same.

What is unusual is refused, and left to the decoder alone: interlaced, animated, cut short, damaged,
more data than the rows need. An InflateError, or one of the library's own, says so, perhaps in the
middle.
"""

from __future__ import annotations

import importlib
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, BinaryIO, NamedTuple

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# PNG 3rd edition, table 11.1: samples in a pixel, by the type of colour.
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_TRUECOLOUR = 2
_ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
# More chunks than a picture of the largest size has; each takes memory here, and none in a decoder.
_MOST_CHUNKS = 1 << 16
# Most bytes of a stored block, and those that are inflated at a time.
_BLOCK = 0xFFFF
_PIECE = 1 << 15
# zlib's header for a window of 32 KB (RFC 1950), and an empty last block.
_HEAD, _LAST = b"\x78\x01", b"\x01\0\0\xff\xff"


class InflateError(Exception):
    """Why a picture is left to its decoder."""


class Chunk(NamedTuple):
    """One chunk of a PNG: its type, and where its data begins and how long it is, in bytes."""

    kind: bytes
    start: int
    size: int


@dataclass(frozen=True)
class Png:
    """What a PNG is made of.

    Attributes:
        plain: 8 bits of red, green and blue.
        raw: bytes of its rows, each with the byte that names its filter.
        chunks: all of them, up to IEND.
    """

    plain: bool
    raw: int
    chunks: tuple[Chunk, ...]

    @property
    def trailing(self) -> bool:
        """Whether something that may matter, such as EXIF, comes after the pixels."""
        kinds = [chunk.kind for chunk in self.chunks[:-1]]
        return set(kinds[kinds.index(b"IDAT") :]) != {b"IDAT"}


def is_installed() -> bool:
    """Whether the library is there. It is small, and imported with the first PNG."""
    return _library() is not None


def parse(file: BinaryIO) -> Png:
    """Walk over a file's chunks, reading their heads alone; raises InflateError."""
    file.seek(len(_SIGNATURE))
    chunks: list[Chunk] = []
    while not chunks or chunks[-1].kind != b"IEND":
        head = file.read(8)
        if len(head) < 8 or len(chunks) == _MOST_CHUNKS:
            raise InflateError("cut short, or into too many pieces")
        size, kind = struct.unpack(">I4s", head)
        chunks.append(Chunk(kind, file.tell(), size))
        file.seek(size + 4, io.SEEK_CUR)
    file.seek(chunks[0].start)
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", file.read(13))
    if interlaced or colour not in _SAMPLES or _ANIMATION & {chunk.kind for chunk in chunks}:
        raise InflateError("interlaced, animated or unknown")
    row = 1 + (width * _SAMPLES[colour] * depth + 7) // 8
    return Png((colour, depth) == (_TRUECOLOUR, 8), height * row, tuple(chunks))


def stored(file: BinaryIO, png: Png, *, bare: bool = False) -> Iterator[bytes]:
    """The bytes of the same PNG, piece by piece, its pixels not compressed.

    `bare` leaves out what is neither pixels nor needed for them. Raises what is said above; then
    what was given out so far is of no use.
    """
    yield _SIGNATURE
    done = False
    for kind, start, size in png.chunks:
        if kind == b"IDAT":
            if not done:
                yield from _pixels(file, png)
            done = True
        elif not bare or kind[0:1].isupper():
            file.seek(start - 8)
            yield file.read(12 + size)


class Stored(io.RawIOBase):
    """`stored` as a file that is read once, from the beginning on."""

    def __init__(self, file: BinaryIO, png: Png) -> None:
        """Read nothing yet."""
        self._pieces = stored(file, png)
        self._rest, self._at = b"", 0

    def read(self, size: int = -1, /) -> bytes:
        """Up to so many bytes, fewer only at the end; -1: all."""
        pieces = [self._rest]
        there = len(self._rest)
        while (size < 0 or there < size) and (piece := next(self._pieces, b"")):
            pieces.append(piece)
            there += len(piece)
        data = b"".join(pieces)
        taken = data if size < 0 else data[:size]
        self._rest = data[len(taken) :]
        self._at += len(taken)
        return taken

    def tell(self) -> int:
        """How many bytes were read."""
        return self._at

    def seek(self, at: int, whence: int = io.SEEK_SET, /) -> int:
        """Stay: a decoder goes where it is already. Raises InflateError for another place."""
        if whence != io.SEEK_SET or at != self._at:
            raise InflateError(f"expected to go on at {self._at}, was sent to {at}")
        return at


def _pixels(file: BinaryIO, png: Png) -> Iterator[bytes]:
    """IDAT chunks, a stored block in each."""
    library = _library()
    inflater = library.decompressobj()
    left, head, checksum = png.raw, _HEAD, b""
    for piece in _compressed(file, png):
        checksum = (checksum + piece)[-4:]
        data = piece
        while data and left >= 0:
            rows = inflater.decompress(data, _BLOCK)
            data = inflater.unconsumed_tail
            if rows:
                left -= len(rows)
                yield _chunk(
                    library, head + struct.pack("<BHH", 0, len(rows), len(rows) ^ 0xFFFF), rows
                )
                head = b""
            elif inflater.eof:
                break
    if left or not inflater.eof or inflater.unused_data:
        raise InflateError(f"{left} bytes of the rows are missing, or something follows them")
    yield _chunk(library, head + _LAST, checksum)


def _compressed(file: BinaryIO, png: Png) -> Iterator[bytes]:
    for kind, start, size in png.chunks:
        if kind == b"IDAT":
            file.seek(start)
            for taken in range(0, size, _PIECE):
                yield file.read(min(_PIECE, size - taken))


def _chunk(library: Any, head: bytes, data: bytes) -> bytes:
    kind = b"IDAT" + head
    checksum = library.crc32(data, library.crc32(kind))
    size = struct.pack(">I", len(head) + len(data))
    return b"".join((size, kind, data, struct.pack(">I", checksum)))


@cache
def _library() -> Any:
    try:
        return importlib.import_module("isal.isal_zlib")
    except ImportError:  # no wheel for this machine
        return None
