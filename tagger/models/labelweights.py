"""Labels that travel inside the weights: JTP-3's safetensors, TorchDeepDanbooru's `.pt`.

Neither is unpickled or loaded: a safetensors file begins with JSON, and of the other's pickle the
opcodes are read, as `pickletools` lists them, which runs nothing.
"""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import LabelFileError, ModelError
from ..labels import DANBOORU, Category, LabelSet
from . import labelcategories as categories
from .labeltables import read as read_table
from .tensorsheader import read_tensors_header

LARGEST = 64 << 20
"""Bytes of a checkpoint's pickle without its tensors."""
LABELS = "classifier.labels"
# What a checkpoint of plain tensors names; anything else could run code.
_PLAIN = ("torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter")
_PLAIN += ("collections OrderedDict",)
_STORAGES = tuple(f"torch {kind}Storage" for kind in ("Float", "Half", "BFloat16", "Long", "Int"))
_STRINGS = ("BINUNICODE", "SHORT_BINUNICODE", "UNICODE")
_PUTS, _GETS = ("BINPUT", "LONG_BINPUT"), ("BINGET", "LONG_BINGET")
_CALLS = ("STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4")


def read_safetensors(path: Path, scheme: tuple[Category, ...] = DANBOORU) -> LabelSet:
    """Read the labels in a safetensors file's metadata, one a line under `classifier.labels`.

    Categories come from `NAME-tags.csv`, beside it or in `../data`, where it is there.

    Raises:
        LabelFileError: no safetensors file, or none with labels.
    """
    said = _metadata(path).get(LABELS)
    if not isinstance(said, str) or not said.strip():
        raise LabelFileError(f"{path}: expected labels under {LABELS} in its metadata, got none")
    general = categories.named(scheme, "general")
    table = next(filter(Path.is_file, _tables(path)), None)
    kinds = {one.name: one.category for one in read_table(table, scheme)} if table else {}
    tags = [tag.strip() for tag in said.strip("\n").split("\n")]
    return LabelSet(tuple(categories.label(tag, kinds.get(tag, general)) for tag in tags))


def read_torch(path: Path, scheme: tuple[Category, ...] = DANBOORU) -> LabelSet:
    """Read the list under `tags` in a torch checkpoint, as TorchDeepDanbooru's has it.

    Raises:
        LabelFileError: no such file, no such list, or a checkpoint with code in it.
    """
    tags = list(_tags(_pickle(path), path))
    if not tags:
        raise LabelFileError(
            f"{path}: expected TorchDeepDanbooru's checkpoint with its tags, got another .pt: "
            f"convert it to safetensors or ONNX"
        )
    general = categories.named(scheme, "general")
    return LabelSet(tuple(categories.label(tag, general) for tag in tags))


def _metadata(path: Path) -> dict[str, Any]:
    try:
        return read_tensors_header(path).get("__metadata__") or {}
    except ModelError as error:
        raise LabelFileError(str(error)) from None


def _tables(path: Path) -> tuple[Path, Path]:
    name = f"{path.stem}-tags.csv"
    return path.with_name(name), path.parent.parent / "data" / name


def _pickle(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            entry = next(one for one in archive.infolist() if one.filename.endswith("/data.pkl"))
            if entry.file_size > LARGEST:
                raise LabelFileError(f"{path}: expected a small list of tensors, got a huge one")
            return archive.read(entry)
    except OSError as error:
        raise LabelFileError(f"{path}: expected weights, got {error.strerror or error}") from error
    except (zipfile.BadZipFile, StopIteration, NotImplementedError, RuntimeError) as error:
        raise LabelFileError(f"{path}: expected a torch checkpoint, got other bytes") from error


def _tags(data: bytes, path: Path) -> Iterator[str]:
    """The strings of the list that follows the string `tags`; all else is looked at, too."""
    memo: dict[int, str] = {}
    last, inside, open_ = "", False, False
    codes = _opcodes(data, path)
    for name, argument in codes:
        if name in _PUTS:
            memo[argument] = last
            continue
        text = argument if name in _STRINGS else memo.get(argument) if name in _GETS else None
        if not inside:
            inside = name == "EMPTY_LIST" and last == "tags"
            last = text or ("" if name not in ("EMPTY_LIST",) else last)
        elif name == "MARK":
            open_ = True
        elif text is not None and open_:
            last = text
            yield text
        elif name == "APPENDS":
            open_ = False  # the next thousand begins with a MARK
        else:
            break
    for _ in codes:  # what comes after the tags must be as plain
        pass


def _opcodes(data: bytes, path: Path) -> Iterator[tuple[str, Any]]:
    """Names and arguments of a pickle's opcodes, as long as it holds nothing but plain tensors."""
    try:
        for opcode, argument, _ in pickletools.genops(data):
            named = opcode.name == "GLOBAL" and argument not in (*_PLAIN, *_STORAGES)
            if named or opcode.name in _CALLS:
                raise LabelFileError(
                    f"{path}: expected plain tensors, got a checkpoint with code in it "
                    f"({argument or opcode.name}): it is not opened"
                )
            yield opcode.name, argument
    except (ValueError, UnicodeDecodeError) as error:
        raise LabelFileError(f"{path}: expected a whole checkpoint, got {error}") from error
