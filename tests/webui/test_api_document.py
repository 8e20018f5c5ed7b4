"""The OpenAPI document: all routes are in it, and what it says is so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tagger.dialects import parse_request
from tagger.options import describe, from_dict, to_dict

from .conftest import PREFIX, Bench

ROUTES = {
    "POST interrogate", "GET interrogators", "POST unload-interrogators", "POST tags", "GET models",
    "POST models/{name}/load", "POST models/{name}/unload", "POST batch", "GET jobs",
    "GET jobs/{id}", "DELETE jobs/{id}", "GET jobs/{id}/events", "GET version",
}  # fmt: skip


@pytest.fixture
def client(bench: Bench, client_of: Callable[..., Any]) -> Any:
    return client_of(bench.app())


@pytest.fixture
def document(client: Any) -> dict[str, Any]:
    return client.get("/openapi.json").json()


def operations(document: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{method.upper()} {path.removeprefix(PREFIX)}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_every_route_is_described_with_examples(document: dict[str, Any]) -> None:
    """A body's, an answer's, and the sentence of a refusal."""
    found = operations(document)

    assert set(found) == ROUTES
    for key, operation in found.items():
        contents = [each["content"] for each in operation["responses"].values()]
        if "requestBody" in operation:
            contents.append(operation["requestBody"]["content"])
        assert all("example" in kind for content in contents for kind in content.values()), key
        assert "4XX" in operation["responses"], key
        assert "422" not in operation["responses"], key


def test_the_examples_of_bodies_are_bodies(document: dict[str, Any]) -> None:
    """They are read by the code that reads requests."""
    from tagger.webui.api.bodies import BatchBody, TagsBody

    examples = {
        key: operation["requestBody"]["content"]["application/json"]["example"]
        for key, operation in operations(document).items()
        if "requestBody" in operation
    }

    assert from_dict(TagsBody, examples["POST tags"]).image
    assert from_dict(BatchBody, examples["POST batch"]).dry_run
    assert parse_request(examples["POST interrogate"]).dialect == "flat"


def test_the_schema_of_a_body_has_its_settings(document: dict[str, Any]) -> None:
    """Names, sentences, ranges and defaults, nested ones too: as `option()` has them."""
    from tagger.selection import Selection
    from tagger.webui.api.bodies import TagsBody

    schema = operations(document)["POST tags"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    selection = schema["properties"]["selection"]

    assert list(schema["properties"]) == [field.name for field in describe(TagsBody)]
    assert schema["additionalProperties"] is False
    assert selection["properties"]["top_k"] == {
        "type": "integer", "description": "How many tags topk takes.", "minimum": 1, "default": 30,
    }  # fmt: skip
    assert selection["properties"]["method"]["enum"] == ["fixed", "mcut", "topk"]
    assert selection["properties"]["tag_thresholds"]["additionalProperties"]["maximum"] == 1
    default = {k: v for k, v in to_dict(Selection()).items() if v is not None}
    assert {k: v for k, v in selection["default"].items() if v is not None} == default


def test_mounting_again_leaves_one_set_of_routes(bench: Bench) -> None:
    """As a host does that builds its page again; the later App answers."""
    fastapi = pytest.importorskip("fastapi")
    from fastapi.testclient import TestClient

    from tagger.webui.api import mount

    web = fastapi.FastAPI()

    @web.get("/{path:path}")
    def page(path: str) -> str:
        return "the host's own"

    mount(bench.app(), web)
    before = len(web.router.routes)
    mount(bench.app(users=(("ann", "secret"),)), web)

    with TestClient(web) as client:
        assert len(web.router.routes) == before
        assert client.get(f"{PREFIX}version").status_code == 401
        assert client.get("/elsewhere").json() == "the host's own"


def test_a_host_s_password_is_asked_for_on_every_route(
    bench: Bench, client_of: Callable[..., Any]
) -> None:
    """Hosts protect no extension's routes: ours ask themselves; a new password holds at once."""
    client = client_of(bench.app(users=(("ann", "secret"), ("jürgen", "pässwörd"))))
    ways = [key.replace("{name}", "demo").replace("{id}", "x").split() for key in ROUTES]

    bare = [client.request(method, PREFIX + path) for method, path in ways]
    wrong = [client.request(m, PREFIX + path, auth=("ann", "wrong")) for m, path in ways]
    right = [client.request(m, PREFIX + path, auth=("ann", "secret")) for m, path in ways]

    assert {each.status_code for each in bare + wrong} == {401}
    assert all(each.headers["www-authenticate"].startswith("Basic") for each in bare)
    assert 401 not in {each.status_code for each in right}
    for pair in (("jürgen".encode(), "pässwörd".encode()), ("ann", "secret")):
        assert client.get(f"{PREFIX}version", auth=pair).status_code == 200
    stated = client.get("/openapi.json").json()
    assert stated["paths"][f"{PREFIX}version"]["get"]["security"]


def test_schemathesis_finds_no_fault(bench: Bench) -> None:
    """Requests made of the document, and beside it: no 5xx, answers as the document says."""
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    import fastapi
    from hypothesis import HealthCheck, given, settings

    from tagger.webui.api import mount

    web = fastapi.FastAPI()
    mount(bench.app(), web)
    schema = schemathesis.openapi.from_asgi("/openapi.json", web)
    checks = schemathesis.checks
    wanted = [
        checks.not_a_server_error,
        checks.CHECKS.get_one("content_type_conformance"),
        checks.CHECKS.get_one("response_schema_conformance"),
    ]

    for operation in schema.get_all_operations():
        case_of = operation.ok().as_strategy()

        @given(case=case_of)
        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        def check(case: Any) -> None:
            case.call_and_validate(checks=wanted)

        check()


def test_the_document_for_people_names_every_route() -> None:
    """Of `docs/api.md`, where the repository is there."""
    page = Path(__file__).parents[2] / "docs" / "api.md"
    if not page.is_file():
        pytest.skip("the documents are in the repository alone")
    text = page.read_text("utf-8").replace("NAME", "{name}").replace("ID", "{id}")

    assert [route for route in sorted(ROUTES) if route not in text] == []
