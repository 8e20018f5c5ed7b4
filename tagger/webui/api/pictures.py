"""What a request gives as a picture: base64, a data URL, or where it is allowed an address."""

from __future__ import annotations

import base64
import binascii
import re

from ...errors import ImageError, UsageError
from .addresses import Fetcher

_DATA_URL = re.compile(r"data:[\w.+/;=-]*?(;base64)?,", re.ASCII | re.IGNORECASE)


class AddressError(UsageError):
    """An address was given where none may be."""


def is_address(text: str) -> bool:
    """Whether a picture is given by an address."""
    return text[:8].casefold().startswith(("http://", "https://"))


def read_picture(text: str, fetcher: Fetcher | None) -> bytes:
    """The bytes of a picture's file; without a `fetcher` no addresses.

    Raises:
        ImageError: no base64, or nothing there.
        AddressError: an address, where none may be fetched.
    """
    text = text.strip()
    if is_address(text):
        if fetcher is None:
            raise AddressError(
                "image: expected base64 or a data URL, got an address: this server fetches none; "
                "its owner can allow it (`tagger serve --allow-urls`)"
            )
        return fetcher.fetch(text)
    head = _DATA_URL.match(text[:200])
    if head:
        if not head[1]:
            raise ImageError("image", "Invalid encoded image: expected a data URL with ;base64")
        text = text[head.end() :]
    return _decoded(text)


def _decoded(text: str) -> bytes:
    try:
        data = _strict(text.encode("ascii"))
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise ImageError(
            "image", "Invalid encoded image: expected base64, got other text"
        ) from None
    if not data:
        raise ImageError("image", "Invalid encoded image: expected one, got nothing")
    return data


def _strict(plain: bytes) -> bytes:
    """Decode what is base64 as it stands, or without its line breaks and with its padding."""
    try:
        return base64.b64decode(plain, validate=True)
    except binascii.Error:
        plain = plain.translate(None, b" \t\r\n")
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
