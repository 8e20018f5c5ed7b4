"""Who may ask a server of ours, and from where."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="fastapi is not installed: no routes here")

from tagger.webui.api.access import Guard, host_name, is_authorised, is_foreign

USERS = (("ann", "secret"), ("bob", "pass:word"), ("jürgen", "pässwörd"))


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize("pair", USERS)
def test_each_user_is_let_in_with_their_password(pair: tuple[str, str]) -> None:
    """A password may hold colons and any letters."""
    assert is_authorised(basic(*pair), USERS)
    assert is_authorised(basic(*pair).replace("Basic", "basic"), USERS)


@pytest.mark.parametrize(
    "header",
    [
        None, "", "Basic", "Basic ", "Basic !!!", "Bearer x", basic("ann", ""), basic("", ""),
        basic("ann", "wrong"), basic("bob", "secret"), basic("ann", "secret "),
        basic("Ann", "secret"),
        "Basic " + base64.b64encode(b"ann").decode(), "Basic \xff\xfe", basic("ann", "secret")[:-4],
    ],
)  # fmt: skip
def test_nobody_else_is(header: str | None) -> None:
    """No header, another scheme, half a pair, another's password."""
    assert not is_authorised(header, USERS)


def test_without_users_everybody_is() -> None:
    """The host asks for no password."""
    assert is_authorised(None, ())


def test_every_pair_is_compared_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time tells neither which user exists nor how far a password is right."""
    lengths: list[int] = []
    compare = hmac.compare_digest

    def spied(a: bytes, b: bytes) -> bool:
        lengths.extend((len(a), len(b)))
        return compare(a, b)

    monkeypatch.setattr(hmac, "compare_digest", spied)
    is_authorised(basic("ann", "secret"), USERS)
    is_authorised(basic("x", "y" * 500), USERS)

    assert lengths == [32] * (2 * 2 * 2 * len(USERS))


@pytest.mark.parametrize(
    ("origin", "host", "foreign"),
    [
        (None, "127.0.0.1:7861", False),
        ("http://127.0.0.1:7861", "127.0.0.1:7861", False),
        ("https://Pictures.example", "pictures.example", False),
        ("http://127.0.0.1:9999", "127.0.0.1:7861", True),
        ("http://evil.example", "127.0.0.1:7861", True),
        ("null", "127.0.0.1:7861", True),
        ("http://[", "127.0.0.1:7861", True),
        ("http://127.0.0.1:7861.evil.example", "127.0.0.1:7861", True),
        ("http://evil.example", None, True),
    ],
)  # fmt: skip
def test_a_page_of_another_place_is_told(
    origin: str | None, host: str | None, foreign: bool
) -> None:
    """By the whole of name and port."""
    assert is_foreign(origin, host) == foreign


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("127.0.0.1:7861", "127.0.0.1"), ("localhost", "localhost"), ("[::1]:7861", "::1"),
        ("evil.example:80", "evil.example"), ("localhost.", "localhost"), (None, ""), ("[", ""),
    ],
)  # fmt: skip
def test_the_name_of_a_host_header(header: str | None, name: str) -> None:
    """Without port and brackets."""
    assert host_name(header) == name


def client_of_guarded(users: tuple[tuple[str, str], ...], names: tuple[str, ...] = ()) -> Any:
    import fastapi
    from fastapi.testclient import TestClient
    from starlette.routing import WebSocketRoute

    web = fastapi.FastAPI()

    @web.get("/")
    def page() -> str:
        return "page"

    async def live(socket: Any) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    web.router.routes.append(WebSocketRoute("/live", live))
    return TestClient(Guard(web, lambda: users, names), base_url="http://127.0.0.1:7861")


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/redoc", "/nowhere"])
def test_one_check_covers_page_documents_and_schema(path: str) -> None:
    """Without the password nobody sees even what there is."""
    client = client_of_guarded(USERS)

    refused = client.get(path)

    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic ")
    assert "user and password" in refused.json()["detail"]
    assert client.get(path, headers={"Authorization": basic("ann", "secret")}).status_code != 401


def test_without_a_password_an_unknown_name_is_refused() -> None:
    """A name of somebody's that leads to this machine is how a page gets at its servers."""
    client = client_of_guarded((), ("tagger.local",))

    assert client.get("/").status_code == 200
    for host in ("localhost:1", "127.0.0.1", "[::1]:7861", "tagger.local:7861"):
        assert client.get("/", headers={"Host": host}).status_code == 200
    for host in ("evil.example", "127.0.0.1.evil.example", ""):
        assert client.get("/", headers={"Host": host}).status_code == 421


def test_without_a_password_pages_of_other_places_are_refused() -> None:
    """Those of this server's own are not."""
    client = client_of_guarded(())

    assert client.get("/", headers={"Origin": "http://127.0.0.1:7861"}).status_code == 200
    assert client.get("/", headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.get("/", headers={"Origin": "null"}).status_code == 403


def test_with_a_password_any_name_will_do() -> None:
    """Behind a proxy the server has another name; the password is the check."""
    client = client_of_guarded(USERS)
    headers = {"Authorization": basic("bob", "pass:word"), "Host": "pictures.example"}

    assert client.get("/", headers=headers).status_code == 200


def test_live_connections_pass_the_same_check() -> None:
    """The page's own events come by these in some versions of gradio."""
    from starlette.websockets import WebSocketDisconnect

    client = client_of_guarded(USERS)

    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/live"):
        pass
    headers = {"Authorization": basic("ann", "secret")}
    with client.websocket_connect("/live", headers=headers) as live:
        assert live.receive_text() == "hello"
