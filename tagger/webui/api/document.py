"""What the OpenAPI document says of the routes: bodies, answers, an example of each."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from ..jobs import Snapshot
from ..preview import Preview
from .bodies import BatchBody, TagsBody
from .schema import Schema, answer_schema, request_schema

_PICTURE = (  # one red pixel, as PNG
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
_TEXT: Schema = {"type": "string"}
_NUMBERS: Schema = {"type": "object", "additionalProperties": {"type": "number"}}
_ERROR: Schema = {"type": "object", "required": ["detail"], "properties": {"detail": _TEXT}}
_JOB_ID: Schema = {"type": "object", "required": ["job"], "properties": {"job": _TEXT}}
_JOB = answer_schema(Snapshot)
_TAG: Schema = {
    "type": "object",
    "required": ["name", "category", "score"],
    "properties": {"name": _TEXT, "category": _TEXT, "score": {"type": "number"}},
}
_RESULT: Schema = {
    "type": "object",
    "required": ["caption", "tags", "ratings"],
    "properties": {
        "caption": _TEXT,
        "tags": {"type": "array", "items": _TAG},
        "ratings": _NUMBERS,
        "scores": _NUMBERS,
        "error": _TEXT,
    },
}
_INTERROGATE: Schema = {
    "type": "object",
    "properties": {
        "image": {**_TEXT, "description": "Base64, a data URL, or an http address if allowed."},
        "model": {**_TEXT, "description": "A listed model; without it the default."},
        "threshold": {
            "type": "number",
            "description": "Tags from here on: `>=` and 0.35 in the flat dialect, `>` and 0 in "
            "the nested one.",
        },
        "format": {
            "type": "string",
            "enum": ["flat", "nested"],
            "description": "The answer's dialect; without it the model's name tells.",
        },
        "queue": {**_TEXT, "description": "A batch by name: pictures are handed in one by one."},
        "name_in_queue": {**_TEXT, "description": "The picture's name in it; empty: fetch all."},
    },
}
_CAPTION: Schema = {
    "type": "object",
    "required": ["caption"],
    "properties": {
        "caption": {
            "type": "object",
            "additionalProperties": {"anyOf": [{"type": "number"}, _NUMBERS]},
        }
    },
}
_MODELS: Schema = {
    "type": "object",
    "required": ["models"],
    "properties": {"models": {"type": "array", "items": {"type": "object"}}},
}
_SNAPSHOT: dict[str, Any] = {
    "id": "3f0c1c2b7a9d4e51",
    "kind": "caption",
    "title": "/pictures/cats",
    "state": "running",
    "done": 120,
    "total": 400,
    "written": 118,
    "skipped": 0,
    "failed": 2,
    "rate": 19.8,
    "eta_s": 14.1,
    "errors": [{"path": "/pictures/cats/7.png", "reason": "truncated file"}],
    "run": 12,
    "message": "",
    "latest": [{"path": "/pictures/cats/8.png", "caption": "cat, solo", "reason": ""}],
}


def _named(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list_of(name: str, items: Schema) -> Schema:
    return _named({name: {"type": "array", "items": items}})


_LISTED_JOB: Schema = {
    **_JOB,
    "required": [name for name in _JOB["required"] if name != "latest"],
    "properties": {k: v for k, v in _JOB["properties"].items() if k != "latest"},
}
_REQUESTS: dict[str, tuple[Schema, Any]] = {
    "POST interrogate": (
        _INTERROGATE,
        {"image": _PICTURE, "model": "wd14-vit-v2-git", "threshold": 0.35},
    ),
    "POST tags": (
        request_schema(TagsBody),
        {"image": _PICTURE, "selection": {"threshold": 0.4, "exclude": ["*_background"]}},
    ),
    "POST batch": (
        request_schema(BatchBody),
        {"folder": "/pictures/cats", "on_existing": "update", "dry_run": True},
    ),
}
_ANSWERS: dict[str, tuple[int, Schema, Any]] = {
    "POST interrogate": (200, _CAPTION, {"caption": {"general": 0.98, "1girl": 0.99}}),
    "GET interrogators": (200, _list_of("models", _TEXT), {"models": ["wd-swinv2-tagger-v3"]}),
    "POST unload-interrogators": (200, _TEXT, "Successfully unload 1 model(s)"),
    "POST tags": (
        200,
        _named({"model": _TEXT, "results": {"type": "array", "items": _RESULT}}),
        {
            "model": "wd-swinv2-tagger-v3",
            "results": [
                {
                    "caption": "1girl, long hair",
                    "tags": [{"name": "1girl", "category": "general", "score": 0.998}],
                    "ratings": {"general": 0.97},
                }
            ],
        },
    ),
    "GET models": (200, _MODELS, {"models": [{"name": "demo", "state": "on disk"}]}),
    "POST models/{name}/load": (202, _JOB_ID, {"job": "3f0c1c2b7a9d4e51"}),
    "POST models/{name}/unload": (200, _named({"freed": {"type": "integer"}}), {"freed": 5996604}),
    "POST batch": (
        200,
        {"type": "object", "properties": {"model": _TEXT, **answer_schema(Preview)["properties"]}},
        {"model": "demo", "pictures": 400, "counts": {"new": 380, "skip": 20}, "refusals": 0},
    ),
    "GET jobs": (200, _list_of("jobs", _LISTED_JOB), {"jobs": []}),
    "GET jobs/{id}": (200, _JOB, _SNAPSHOT),
    "DELETE jobs/{id}": (202, _JOB, {**_SNAPSHOT, "state": "cancelling"}),
    "GET version": (
        200,
        _named({"tagger": _TEXT, "api": {"type": "integer"}, "host": _TEXT}),
        {"tagger": "0.1.0", "api": 1, "host": "stand-alone"},
    ),
}


def describe_route(method: str, path: str, sentence: str, modern: bool) -> dict[str, Any]:
    """What FastAPI is told of a route; `modern`: the document is OpenAPI 3.1, not 3.0."""
    key = f"{method} {path.replace(':path', '')}"
    extra: dict[str, Any] = {}
    if "{" in path:
        name = "name" if "{name" in path else "id"
        extra["parameters"] = [{"name": name, "in": "path", "required": True, "schema": _TEXT}]
    if key in _REQUESTS:
        schema, example = _REQUESTS[key]
        content = {"application/json": {"schema": schema, "example": example}}
        extra["requestBody"] = {"required": True, "content": content}
    status, responses = _responses(key)
    return {
        "status_code": status,
        "response_class": Response,  # of no kind by itself: what is answered stands below
        "summary": sentence.split(".")[0].split(";")[0],
        "description": sentence,
        "tags": ["Tagger"],
        "responses": _nulls(responses, modern),
        "openapi_extra": _nulls(extra, modern),
    }


def _responses(key: str) -> tuple[int, dict[int | str, Any]]:
    refused = {"schema": _ERROR, "example": {"detail": "expected X, got Y: do Z"}}
    responses: dict[int | str, Any] = {
        "4XX": {"description": "Refused", "content": {"application/json": refused}}
    }
    if key not in _ANSWERS:  # a stream
        text = {"schema": _TEXT, "example": "event: progress\ndata: {...}\n\n"}
        return 200, {
            200: {"description": "Events", "content": {"text/event-stream": text}},
            **responses,
        }
    status, schema, example = _ANSWERS[key]
    told = {"schema": schema, "example": example}
    responses[status] = {"description": "Done", "content": {"application/json": told}}
    if key == "POST batch":
        began = {"schema": _JOB_ID, "example": {"job": "3f0c1c2b7a9d4e51"}}
        responses[202] = {"description": "Begun", "content": {"application/json": began}}
    return status, responses


def _nulls(value: Any, modern: bool) -> Any:
    """Write `nullable` as the version of the document has it."""
    if isinstance(value, list):
        return [_nulls(each, modern) for each in value]
    if not isinstance(value, dict):
        return value
    told: dict[Any, Any] = {key: _nulls(each, modern) for key, each in value.items()}
    if modern and told.pop("nullable", False) is True:
        told["type"] = [told["type"], "null"]
    return told
