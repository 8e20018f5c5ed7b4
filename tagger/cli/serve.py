"""`tagger serve`: the page and the API without a WebUI."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..argv import parse
from ..backends.place import kind_of
from ..errors import OptionError, UsageError
from ..options import check, option
from ..settings import Precision, Runtime
from ..webui.app import App
from ..webui.host import Credentials, StandAlone
from ..webui.preferences import Preferences
from ..webui.server import application, serve
from . import DONE, INTERRUPTED
from .flags import borrowed

AUTH = "TAGGER_AUTH"


@dataclass(frozen=True)
class ServeFlags:
    """Serve the page and the API to a browser and to programs, on this machine alone or to all."""

    host: str = option("127.0.0.1", help="Address to listen at.", metavar="ADDRESS")
    listen: bool = option(False, help="Listen at every address; needs --auth.")
    port: int = option(7861, help="Port to listen at; 0: any that is free.", ge=0, le=65535)
    auth: tuple[str, ...] = option(
        (),
        help=f"Who may use it, page and API alike; else {AUTH} of the environment, which no list "
        "of processes shows.",
        metavar="USER:PASS",
    )
    root: tuple[Path, ...] = option(
        (),
        help="Folder in which pictures and captions may lie; without one every folder, or with "
        "--listen only what is uploaded.",
        metavar="DIR",
    )
    allow_urls: bool = option(False, help="Let requests name pictures by public http addresses.")
    page: bool = option(True, help="Serve the API alone.")
    model: str = borrowed(Preferences, "default_model", metavar="NAME")
    device: str = borrowed(Runtime, "device")
    precision: Precision = borrowed(Runtime, "precision")
    keep: Literal["device", "ram", "none"] = borrowed(Preferences, "keep")
    idle_minutes: float = borrowed(Preferences, "idle_minutes", metavar="N")
    fetch: bool = option(
        True, help="Do not fetch a listed model that is not on disk when a request asks for it."
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def address(self) -> str:
        """Where to listen."""
        return "0.0.0.0" if self.listen else self.host

    def stand_alone(self) -> StandAlone:
        """What serves, checked.

        Raises:
            UsageError: others could reach it without a password, or a root is not there.
            OptionError: no device has that name.
        """
        kind_of(self.device, self.precision)
        users = _credentials(self.auth or _from_environment())
        listening = not _is_loopback(self.address)
        if listening and not users:
            raise UsageError(
                f"{'--listen' if self.listen else self.host}: expected --auth USER:PASS (or {AUTH})"
                f", got none: whoever reaches this machine could use it"
            )
        for root in self.root:
            if not root.is_dir():
                raise UsageError(f"--root {root}: expected a folder, got nothing of that name")
        wishes = Preferences(
            default_model=self.model,
            device=self.device,
            precision=self.precision,
            keep=self.keep,
            idle_minutes=self.idle_minutes,
            download_when_asked=self.fetch,
        )
        roots = tuple(Path(os.path.realpath(root)) for root in self.root)
        return StandAlone(roots, users, listening, self.allow_urls, wishes)


def run(argv: Sequence[str], prog: str) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    flags = parse(ServeFlags, argv, prog)
    host = flags.stand_alone()
    app = App(host)
    app.models.find(app.default_model)  # a name that is no model is refused now
    names = () if flags.address == "0.0.0.0" else (flags.address,)
    with _bound(flags.address, flags.port) as bound:
        served = application(app, page=flags.page, names=names)
        told = f"Tagger at {_url(bound)}/ (API: {_url(bound)}/docs)"
        try:
            serve(app, served, bound, lambda: print(told, file=sys.stderr, flush=True))
        except KeyboardInterrupt:
            return INTERRUPTED
    return DONE


def _bound(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name != "nt":  # there it would let two servers share a port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
    except OSError as error:
        bound.close()
        raise UsageError(
            f"{address}:{port}: expected to listen there, got {error.strerror or error}: choose "
            f"another --port or --host"
        ) from error
    return bound


def _url(bound: socket.socket) -> str:
    address, port = bound.getsockname()[:2]
    name = "127.0.0.1" if address == "0.0.0.0" else f"[{address}]" if ":" in address else address
    return f"http://{name}:{port}"


def _credentials(pairs: Sequence[str]) -> Credentials:
    found: list[tuple[str, str]] = []
    for pair in pairs:
        user, colon, password = pair.partition(":")
        if not (user and colon and password):
            raise OptionError("--auth: expected USER:PASS, both not empty")
        found.append((user, password))
    return tuple(found)


def _from_environment() -> tuple[str, ...]:
    named = os.environ.get(AUTH, "")
    return (named,) if named else ()


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
