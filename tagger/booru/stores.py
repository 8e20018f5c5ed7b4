"""Stores that fsspec reads: which one an address is of, and what goes wrong there, without secrets.

Accounts are what the protocol's own package finds in the environment. An address may hold a
password or a signature, so only `shown` of it is ever said or kept, and no error of a package is
passed on: it may quote the address whole.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from ..errors import DatasetError, DownloadError, TaggerError
from ..extras import install
from .polite import PASSING, TIMEOUT_S, Asker, PassingError, user_agent

T = TypeVar("T")

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(?:::[a-z0-9+.-]+)*://.", re.DOTALL)
_PACKAGES = {
    "s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "hf": "huggingface_hub",
    "az": "adlfs", "abfs": "adlfs", "sftp": "paramiko", "ssh": "paramiko",
}  # fmt: skip
SLOW_DOWN = 1.0
"""Requests a second where a store is tried again; what it sends is not slowed."""


def is_address(text: object) -> bool:
    """Whether this is an address, not a path."""
    return bool(_ADDRESS.match(str(text)))


def shown(address: str) -> str:
    """An address without what may be secret: a password, what stands behind `?` and `#`."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" + ("?..." if parts.query else "")


def store_of(address: str) -> tuple[Any, str]:
    """The file system of an address, and the address as it calls it.

    Raises DatasetError where fsspec, or its package for the protocol, is not installed.
    """
    if "::" in address.partition("://")[0]:
        raise DatasetError(f"{shown(address)}: expected one address, got a chain of several")
    scheme = urlsplit(address).scheme
    try:
        import fsspec
    except ImportError:
        raise _lacks(address, "fsspec", install("remote")) from None
    try:
        options = _http_options() if scheme in ("http", "https") else {}
        return fsspec.url_to_fs(
            address, skip_instance_cache=True, use_listings_cache=False, **options
        )
    except ImportError:
        if scheme in ("http", "https"):
            raise _lacks(address, "aiohttp", install("remote")) from None
        package = _PACKAGES.get(scheme, f"the one that fsspec names for {scheme}")
        raise _lacks(address, f"a package for {scheme}://", f"pip install {package}") from None
    except ValueError:
        raise DatasetError(
            f"{shown(address)}: expected an address that fsspec knows, got {scheme}://"
        ) from None


def is_http(store: Any) -> bool:
    """Whether a store is a web server, which tells a folder from a file by nothing but a slash."""
    return "http" in store.protocol


def patiently(
    act: Callable[[], T],
    address: str,
    sleep: Callable[[float], None] = time.sleep,
    here: Callable[[], int] = lambda: 0,
) -> T:
    """What `act` gives, tried again after passing faults as long as more arrives or tries last.

    Raises DatasetError where nothing is, DownloadError where it can't be had.
    """

    def ask() -> T:
        try:
            return act()
        except TaggerError:
            raise
        except Exception as error:
            raise _told(address, error, begun=here() > 0) from None

    return cast("T", Asker(SLOW_DOWN, sleep=sleep).patiently(ask, here))


def _told(address: str, error: Exception, *, begun: bool) -> Exception:
    """What a store raised, as a sentence of ours; a PassingError if it may be better soon."""
    where = shown(address)
    if isinstance(error, PassingError):
        return PassingError(f"{where}: {error}", error.wait)
    nothing = isinstance(error, FileNotFoundError)
    # fsspec says of whatever a web server answers that there is no such file
    cause = error.__cause__ if nothing and where.startswith("http") else error
    status = getattr(cause, "status", None)
    if status in (401, 403) or isinstance(error, PermissionError):
        return DownloadError(
            f"{where}: access is refused: set the account or key in the environment, where the "
            "protocol's package looks for it"
        )
    if status in (404, 410) or cause is None or (nothing and cause is error):
        return DatasetError(f"{where}: expected a source there, got nothing")
    if isinstance(status, int) and 400 <= status < 500 and status not in PASSING:
        return DownloadError(f"{where}: the server answers {status}")
    broke = getattr(cause, "os_error", cause)
    if isinstance(broke, (socket.gaierror, ssl.SSLError)) or (
        isinstance(broke, ConnectionRefusedError) and not begun
    ):
        return DownloadError(f"{where}: can't be reached: {broke.strerror}")
    asked = str((getattr(cause, "headers", None) or {}).get("Retry-After", ""))
    return PassingError(
        f"{where}: {_kind_of(cause, status)}", float(asked) if asked.isdigit() else None
    )


def _kind_of(error: BaseException, status: int | None) -> str:
    """What broke, without the text of the error."""
    if status:
        return f"the server answers {status}"
    told = getattr(getattr(error, "os_error", error), "strerror", None)
    return f"the connection broke ({told or type(error).__name__})"


def _lacks(address: str, what: str, command: str) -> DatasetError:
    return DatasetError(f"{shown(address)}: expected {what}, got none: `{command}`")


def _http_options() -> dict[str, Any]:
    """As they lie on the server: an answer that is compressed on the way could not be gone on with.

    Proxies stand in the environment.
    """
    import aiohttp

    wait = aiohttp.ClientTimeout(total=None, sock_connect=TIMEOUT_S, sock_read=TIMEOUT_S)
    headers = {"User-Agent": user_agent(), "Accept-Encoding": "identity"}
    client = {"timeout": wait, "headers": headers, "trust_env": True, "auto_decompress": False}
    return {"client_kwargs": client}
