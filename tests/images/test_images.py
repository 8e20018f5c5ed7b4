"""A picture opens upright, as its first frame, with its transparency, or is refused in a phrase."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import struct
import subprocess
import sys
import types
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from tagger.errors import ImageError
from tagger.images import EXTENSIONS, content_hash, open_image

from ..privileges import as_anybody


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def cause(source: object, **options: int) -> str:
    with pytest.raises(ImageError) as caught:
        open_image(source, **options)  # pyright: ignore[reportArgumentType]
    assert "<" not in caught.value.cause  # no repr of an object of ours
    return caught.value.cause


def png_header(width: int, height: int) -> bytes:
    """A PNG that says how large it is, and has nothing inside."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def corners(image: Image.Image) -> list[str]:
    """Which colour lies in each corner, clockwise from the top left."""
    names = {(255, 0, 0): "red", (0, 255, 0): "green", (0, 0, 255): "blue", (0, 0, 0): "black"}
    right, bottom = image.width - 1, image.height - 1
    places = [(0, 0), (right, 0), (right, bottom), (0, bottom)]
    return [names[image.convert("RGB").getpixel(place)] for place in places]  # pyright: ignore


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    """Stored so that the tag's meaning (EXIF 2.32, 0x0112) brings the corners back."""
    upright = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 0], [0, 0, 255]]], np.uint8)
    upright = upright.repeat(4, axis=0).repeat(6, axis=1)
    # row 0 of what is stored is the picture's top, top, bottom, bottom, left, right, right, left;
    # column 0 its left, right, right, left, top, top, bottom, bottom
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    for kind in ("png", "webp", "tiff"):
        options = {"lossless": True} if kind == "webp" else {}
        opened = open_image(saved(Image.fromarray(stored), kind, exif=exif, **options))
        assert corners(opened) == ["red", "green", "blue", "black"]
        assert opened.size == (12, 8)


def test_orientation_is_not_left_behind() -> None:
    """Whoever turns the picture again by its EXIF turns nothing."""
    exif = Image.Exif()
    exif[0x0112] = 6
    opened = open_image(saved(Image.new("RGB", (4, 2)), "jpeg", exif=exif))
    assert opened.size == (2, 4)
    assert 0x0112 not in opened.getexif()


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_means_nothing_is_ignored(orientation: int) -> None:
    """There are cameras that write 0."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert open_image(saved(Image.new("RGB", (4, 2)), "jpeg", exif=exif)).size == (4, 2)


def test_broken_exif_is_ignored() -> None:
    """The picture is worth more than its metadata."""
    assert open_image(saved(Image.new("RGB", (4, 2)), "png", exif=b"Exif\0\0nonsense")).size == (
        4,
        2,
    )


@pytest.mark.parametrize("kind", ["gif", "webp", "png", "tiff"])
def test_an_animation_is_its_first_frame(kind: str) -> None:
    """Red comes first."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "webp" else {}
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert open_image(data).convert("RGB").getpixel((4, 4)) == (255, 0, 0)


@pytest.mark.parametrize("kind", ["png", "webp", "tiff"])
def test_alpha_is_kept(kind: str) -> None:
    """What to put behind it is the model's business."""
    pixels = np.zeros((3, 3, 4), np.uint8)
    pixels[1, 1] = (9, 8, 7, 200)
    options = {"lossless": True, "exact": True} if kind == "webp" else {}
    opened = open_image(saved(Image.fromarray(pixels), kind, **options))
    assert opened.mode == "RGBA"
    assert opened.getpixel((1, 1)) == (9, 8, 7, 200)


@pytest.mark.parametrize("clear", [1, bytes([255, 60])])
def test_a_palettes_transparency_is_kept(clear: object) -> None:
    """An index or a table; all else in `info` is dropped."""
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 9, 9, 9])
    opened = open_image(saved(image, "png", transparency=clear, dpi=(72, 72)))
    assert opened.mode == "P"
    assert opened.info == {"transparency": clear}


def test_bytes_and_paths_are_the_same(tmp_path: Path) -> None:
    """Text paths, Path objects and a file's content."""
    data = saved(Image.effect_noise((20, 20), 90), "png")
    path = tmp_path / "ein Bild 🦊 [1].png"
    path.write_bytes(data)
    opened = [open_image(source) for source in (data, path, str(path))]
    assert len({image.tobytes() for image in opened}) == 1


def test_the_extension_is_not_asked(tmp_path: Path) -> None:
    """JPEG bytes named .png open; text named .png is text."""
    (tmp_path / "a.png").write_bytes(saved(Image.new("RGB", (5, 5)), "jpeg"))
    (tmp_path / "b.png").write_text("hello\nworld")
    assert open_image(tmp_path / "a.png").size == (5, 5)
    assert cause(tmp_path / "b.png") == "text, not a picture"


def test_too_many_pixels_are_refused_before_decoding() -> None:
    """This one has no pixels inside: decoding it would say something else."""
    assert cause(png_header(20_000, 20_000)) == (
        "20000 x 20000 pixels, more than the 178,000,000 allowed"
    )
    assert cause(png_header(11, 10), max_pixels=100) == (
        "11 x 10 pixels, more than the 100 allowed"
    )


def test_a_side_too_long_is_refused() -> None:
    """Few pixels, but a square of them would be absurd."""
    assert cause(png_header(1, 70_000)) == "1 x 70000 pixels, a side is longer than 65,535"


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 50}])
def test_a_webp_is_refused_before_its_library_allocates(
    options: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its size is read from the file's head; libwebp makes room for two canvases on opening."""
    pytest.importorskip("PIL.WebPImagePlugin")
    plain = saved(Image.new("RGB", (300, 200)), "webp", **options)
    alpha = saved(Image.new("RGBA", (300, 200), (1, 2, 3, 4)), "webp", **options)
    monkeypatch.setitem(Image.OPEN, "WEBP", (pytest.fail, None))
    for data in (plain, alpha):
        assert cause(data, max_pixels=59_999).startswith("300 x 200 pixels")


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp", "bmp", "tiff"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_file_is_refused(kind: str, share: float) -> None:
    """No grey lower half ever becomes a caption."""
    data = saved(Image.effect_noise((64, 64), 90).convert("RGB"), kind)
    assert cause(data[: int(len(data) * share)]) in ("truncated file", "damaged file")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty file"),
        (b"just words", "text, not a picture"),
        ("Wörter, 文字\r\n".encode() * 900, "text, not a picture"),
        (b'<?xml version="1.0"?>\n<svg xmlns="x">', "an SVG drawing: export it as PNG"),
        (b"%PDF-1.7\n%\xe2", "a PDF document, not a picture"),
        (b"<!DOCTYPE html><p>404", "a web page, not a picture: the download went wrong"),
        (b"8BPS\0\1", "a Photoshop document: export it as PNG"),
        (b"PK\x03\x04\x14\0", "an archive, not a picture: unpack it"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "a video, not a picture"),
        (b"\x1a\x45\xdf\xa3\x93B\x82", "a video, not a picture"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "a sound or video, not a picture"),
        (b"version https://git-lfs.github.com/spec/v1\noid", None),
        (b"\x07\x99\0\1\2garbage\xff", "not a kind of picture that can be read"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, expected: str | None) -> None:
    """A person can act on each of these."""
    assert cause(data) == (expected or "a Git LFS pointer: fetch the picture with `git lfs pull`")


@pytest.mark.parametrize(
    ("head", "plugin", "expected"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "pillow_heif", "pip install pillow-heif"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "pillow_heif", "pip install pillow-heif"),
        (b"\xff\x0a\x00\x10", "pillow_jxl", "pip install pillow-jxl-plugin"),
        (b"\0\0\0\x0cJXL \r\n\x87\n\0\0", "pillow_jxl", "pip install pillow-jxl-plugin"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "PIL.AvifImagePlugin", "pillow>=11.3"),
    ],
)
def test_a_missing_plugin_is_named(
    head: bytes, plugin: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind says what to install."""
    monkeypatch.setitem(sys.modules, plugin, None)  # as if it were not installed
    assert expected in cause(head)


def test_an_installed_plugin_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """pillow-heif is imported at the first HEIC, and adds itself to Pillow's registry."""
    plugin = types.ModuleType("pillow_heif")

    def register() -> None:
        def factory(file: io.BytesIO, name: str) -> Image.Image:
            assert file.read(12)[4:] == b"ftypheic"
            return Image.new("RGB", (7, 5))

        monkeypatch.setitem(Image.OPEN, "HEIF", (factory, None))

    plugin.register_heif_opener = register  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "pillow_heif", plugin)
    assert open_image(b"\0\0\0\x14ftypheic\0\0\0\0heic").size == (7, 5)


def test_no_plugin_is_imported_before_its_kind_comes() -> None:
    """Opening a PNG costs a PNG reader."""
    code = (
        "import sys, io\nfrom PIL import Image\nfrom tagger.images import open_image\n"
        "b = io.BytesIO(); Image.new('L', (1, 1)).save(b, 'png'); open_image(b.getvalue())\n"
        "print([m for m in sys.modules if m in ('pillow_heif', 'pillow_jxl', 'torch')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_the_system_says_is_passed_on(tmp_path: Path) -> None:
    """Missing, a folder, unreadable."""
    assert cause(tmp_path / "none.png") == "no such file or folder"
    assert cause(tmp_path) in ("a folder, not a file", "permission denied")  # Windows: the latter
    with pytest.raises(ImageError, match=r"none\.png: no such file or folder"):
        content_hash(tmp_path / "none.png")


def test_permission_is_named(tmp_path: Path) -> None:
    """Somebody else's file."""
    path = tmp_path / "a.png"
    path.write_bytes(b"x")
    path.chmod(0)
    assert as_anybody(lambda: cause(path)) == "permission denied"


def test_bytes_are_called_an_upload() -> None:
    """There is no path to name."""
    with pytest.raises(ImageError, match=r"^upload: empty file$"):
        open_image(b"")


def test_pillows_settings_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's limit neither counts nor changes, and no warning filter is touched."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    data = saved(Image.new("RGB", (50, 50)), "png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Image.open would raise DecompressionBombError here
        before = list(warnings.filters)
        assert open_image(data).size == (50, 50)
        assert list(warnings.filters) == before
    assert Image.MAX_IMAGE_PIXELS == 10
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_the_extensions_are_those_that_people_have() -> None:
    """Lower case, with their dot; no document or video among them."""
    assert set(EXTENSIONS) == set(
        re.findall(
            r"\S+", ".png .jpg .jpeg .jfif .webp .bmp .gif .tif .tiff .avif .heic .heif .jxl"
        )
    )


def test_content_hash_is_blake2b_of_the_file(tmp_path: Path) -> None:
    """As `b2sum -l 256` prints it; any file has one."""
    data = os.urandom(3_000_000)
    path = tmp_path / "a.bin"
    path.write_bytes(data)
    expected = hashlib.blake2b(data, digest_size=32).hexdigest()
    assert content_hash(path) == content_hash(data) == expected


def test_tricky_files_open_or_are_refused_in_little_memory(test_data: Path) -> None:
    """All of them, in one process, with a peak under 600 MB; the rest of the world opens these."""
    code = """
import json, pathlib, resource, sys
from tagger.images import open_image
from tagger.errors import ImageError
from tagger.preprocess import WD, fit
out = {}
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        image = open_image(path)
        out[path.name] = [image.mode, *image.size]
        assert fit(image, WD).shape == (448, 448, 3)
    except ImageError as error:
        assert error.path == path
        out[path.name] = error.cause
status = pathlib.Path("/proc/self/status")
if status.exists():  # ru_maxrss begins with what the process that started this one had
    peak = int(status.read_text().partition("VmHWM:")[2].split()[0])
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([out, peak / 1024]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(test_data / "tricky")],
        capture_output=True,
        text=True,
        check=True,
    )
    results, peak = json.loads(done.stdout)
    assert len(results) == 63  # the list of sources among them
    assert peak < 600
    for name, (measured, size) in by_pillow(test_data).items():
        if "AVIF needs" in results[name]:
            continue  # this Pillow is older than the table's
        if measured == "ok":
            assert sorted(results[name][1:]) == sorted(size), name  # sorted: some are turned
        else:
            assert isinstance(results[name], str), name
    refused = {value for value in results.values() if isinstance(value, str)}
    assert all(len(value) < 80 and "Error" not in value and "'" not in value for value in refused)


def by_pillow(test_data: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """What Pillow alone made of each file, from the table beside them."""
    rows = (test_data / "tricky" / "SOURCES.md").read_text(encoding="utf-8").splitlines()
    table = {}
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if len(cells) == 6 and "__" in cells[0]:
            size = re.search(r"(\d+)x(\d+)", cells[5])
            opened = cells[5].startswith("ok")
            table[cells[0]] = (
                "ok" if opened else "no",
                tuple(map(int, size.groups())) if size else (),
            )
    assert len(table) == 62
    return table
