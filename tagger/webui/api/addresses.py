"""A picture from a public http address, for servers that were told to fetch such.

A name is resolved once, every address it has must be public, and the connection goes to the
address that was checked: a name that resolves to another one a moment later gains nothing. Each
redirect is a new address. No proxy, no cookies, no credentials.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from ...bytecount import readable
from ...errors import ImageError

REDIRECTS = 4
_MOVED = (301, 302, 303, 307, 308)
_SHARED = (  # of these a public-looking address leads to a private one
    (ipaddress.ip_network("64:ff9b::/96"), 0),  # NAT64, RFC 6052
    (ipaddress.ip_network("2002::/16"), 80),  # 6to4, RFC 3056
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
"""A name and a port to the addresses it has."""


def resolve(name: str, port: int) -> list[str]:
    """Ask the system for a name's addresses; raises OSError."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def is_public(text: str) -> bool:
    """Whether an address is of the public internet, and stays so where it holds another inside."""
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    inner = _inside(address)
    if inner is not None:
        return is_public(str(inner))
    return address.is_global and not (address.is_multicast or address.is_reserved)


@dataclass(frozen=True)
class Fetcher:
    """How pictures are fetched.

    most: bytes of a picture. seconds: in all, redirects included. allowed: which addresses.
    """

    most: int = 32_000_000
    seconds: float = 20.0
    resolve: Resolve = resolve
    allowed: Callable[[str], bool] = is_public

    def fetch(self, url: str) -> bytes:
        """The bytes of a picture at an http or https address.

        Raises:
            ImageError: in a sentence that tells nothing of what is inside this network.
        """
        until = time.monotonic() + self.seconds
        try:
            for _ in range(REDIRECTS + 1):
                answer = self._ask(_parts(url), until)
                if isinstance(answer, bytes):
                    return answer
                url = urljoin(url, answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            late = isinstance(error, TimeoutError)
            raise _refused(f"no answer in {self.seconds:g} s" if late else "no answer") from error
        raise _refused(f"more than {REDIRECTS} redirects")

    def _ask(self, parts: SplitResult, until: float) -> bytes | str:
        """The body, or where it moved to."""
        connection = self._connect(parts, until)
        raw = connection.sock  # which the connection forgets where the answer ends it
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            headers = {"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": "Tagger"}
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            moved = answer.getheader("Location")
            if answer.status in _MOVED and moved:
                return moved
            if answer.status != 200:
                raise _refused(f"status {answer.status}")
            return self._read(answer, raw, until)
        finally:
            connection.close()

    def _connect(self, parts: SplitResult, until: float) -> http.client.HTTPConnection:
        name, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        addresses = self.resolve(name, port)
        if not addresses or not all(map(self.allowed, addresses)):
            raise _refused("an address that is not public")
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(name, port)
        raw = socket.create_connection((addresses[0], port), timeout=_left(until))
        try:
            if secure:
                raw = ssl.create_default_context().wrap_socket(raw, server_hostname=name)
        except BaseException:
            raw.close()
            raise
        connection.sock = raw
        return connection

    def _read(self, answer: http.client.HTTPResponse, raw: socket.socket, until: float) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while not answer.isclosed():  # newer Pythons close it, and the socket, at the last piece
            raw.settimeout(_left(until))
            piece = answer.read1(1 << 16)
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
            if size > self.most:
                raise _refused(f"more than {readable(self.most)}")
        if answer.length:  # of what it promised, so much is missing
            raise _refused("a part of a file")
        return b"".join(pieces)


def _parts(url: str) -> SplitResult:
    parts = urlsplit(url)
    plain = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or not plain:
        raise _refused("something else than a plain http or https address")
    return parts


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _inside(address: Address) -> Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped:
        return address.ipv4_mapped
    for network, shift in _SHARED:
        if address in network:
            return ipaddress.IPv4Address((int(address) >> shift) & 0xFFFFFFFF)
    return None


def _refused(got: str) -> ImageError:
    return ImageError("address", f"expected a picture at a public address, got {got}")
