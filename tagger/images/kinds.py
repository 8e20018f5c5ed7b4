"""What a file is by its first bytes, and what to tell people about those that are not pictures.

Names and extensions are not asked: half of the `.png` in a scraped folder are JPEG.
"""

from __future__ import annotations

import importlib
import re
import struct
from dataclasses import dataclass
from types import ModuleType

HEAD = 4096
"""Bytes from the beginning that `recognise` wants."""


@dataclass(frozen=True)
class Format:
    """A kind of picture that Pillow opens: its name in Pillow's registry, the module that reads it.

    needs: what to tell people whose machine lacks that module.
    """

    name: str
    module: str
    needs: str = ""

    def plugin(self) -> ModuleType | None:
        """Import the module that reads it, or say that it is not here."""
        try:
            module = importlib.import_module(self.module)
        except ImportError:
            return None
        if not getattr(module, "SUPPORTED", True):  # Pillow's own, built without the library
            return None
        if hasattr(module, "register_heif_opener"):  # adds to Pillow's registry, nothing else
            module.register_heif_opener()
        return module


PNG = Format("PNG", "PIL.PngImagePlugin")
JPEG = Format("JPEG", "PIL.JpegImagePlugin")
WEBP = Format("WEBP", "PIL.WebPImagePlugin", "WebP needs a Pillow that was built with libwebp")
BMP = Format("BMP", "PIL.BmpImagePlugin")
GIF = Format("GIF", "PIL.GifImagePlugin")
TIFF = Format("TIFF", "PIL.TiffImagePlugin")
AVIF = Format("AVIF", "PIL.AvifImagePlugin", "AVIF needs `pip install pillow>=11.3`")
HEIC = Format("HEIF", "pillow_heif", "HEIC needs `pip install pillow-heif`")
JXL = Format("JXL", "pillow_jxl", "JPEG XL needs `pip install pillow-jxl-plugin`")

EXTENSIONS = {
    ".png": PNG,
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".jfif": JPEG,
    ".webp": WEBP,
    ".bmp": BMP,
    ".gif": GIF,
    ".tif": TIFF,
    ".tiff": TIFF,
    ".avif": AVIF,
    ".heic": HEIC,
    ".heif": HEIC,
    ".jxl": JXL,
}
"""Extensions, lower case, of the files that a folder's captions are for."""

_SIGNATURES: tuple[tuple[bytes, Format | str], ...] = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"BM", BMP),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),  # BigTIFF
    (b"MM\0+", TIFF),
    (b"\xff\x0a", JXL),
    (b"\0\0\0\x0cJXL \r\n\x87\n", JXL),
    (b"%PDF", "a PDF document, not a picture"),
    (b"%!PS", "a PostScript document, not a picture"),
    (b"8BPS", "a Photoshop document: export it as PNG"),
    (b"CSFCHUNK", "a Clip Studio document: export it as PNG"),
    (b"\0\0\x01\0", "a Windows icon: export it as PNG"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture: export it as PNG"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture: export it as PNG"),
    (b"PK\x03\x04", "an archive, not a picture: unpack it"),
    (b"Rar!", "an archive, not a picture: unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "an archive, not a picture: unpack it"),
    (b"\x1f\x8b", "an archive, not a picture: unpack it"),
    (b"\x1a\x45\xdf\xa3", "a video, not a picture"),
    (b"OggS", "a video, not a picture"),
    (b"FLV\x01", "a video, not a picture"),
    (b"version https://git-lfs", "a Git LFS pointer: fetch the picture with `git lfs pull`"),
)
_AVIF_BRANDS = (b"avif", b"avis")
_HEIC_BRANDS = (
    *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    *(b"mif1", b"mif2", b"mif3", b"msf1"),
)


def recognise(head: bytes) -> Format | str:
    """Say what a file with these first bytes is: a Format, or why it can't be read."""
    if not head:
        return "empty file"
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[:4] == b"RIFF":
        return WEBP if head[8:12] == b"WEBP" else "a sound or video, not a picture"
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    return _by_text(head) or "not a kind of picture that can be read"


def declared_size(head: bytes) -> tuple[int, int] | None:
    """Width and height from the header of a WebP or AVIF, whose libraries allocate on opening.

    None for other files, and where the header does not say it early. WebP: RFC 9649, sections
    2.5 to 2.7; AVIF: the `ispe` box of ISO/IEC 23008-12.
    """
    if head[:4] == b"RIFF" and len(head) >= 30:
        return _webp_size(head)
    spatial = head.find(b"ispe") if head[4:8] == b"ftyp" else -1
    if spatial >= 0 and len(head) >= spatial + 16:
        width, height = struct.unpack_from(">II", head, spatial + 8)
        return width, height
    return None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    chunk = head[12:16]
    if chunk == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") for at in (24, 27))
        return width + 1, height + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _by_brand(head: bytes) -> Format | str:
    """An ISO base media file: the brands after `ftyp` say which."""
    length = min(int.from_bytes(head[:4], "big"), 512)
    brands = [head[at : at + 4] for at in range(8, min(length, len(head)) - 3, 4)]
    if any(brand in _AVIF_BRANDS for brand in brands):
        return AVIF
    if any(brand in _HEIC_BRANDS for brand in brands):
        return HEIC
    return "a video, not a picture"


def _by_text(head: bytes) -> str | None:
    if re.search(rb"<svg[\s>]", head):
        return "an SVG drawing: export it as PNG"
    if re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype html|html)", head, re.IGNORECASE):
        return "a web page, not a picture: the download went wrong"
    try:
        # a character may be cut in two at the end
        text = head[: len(head) - 4 if len(head) == HEAD else None].decode("utf-8")
    except UnicodeDecodeError:
        return None
    printable = all(character.isprintable() or character in "\t\r\n\f\ufeff" for character in text)
    return "text, not a picture" if printable else None
