"""Dataclasses as JSON Schema, for the OpenAPI document.

What a request may hold is said once, by `option()`; no library of models is between: hosts bring
pydantic 1 or 2, and either is left alone.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ...options import Field, describe, to_dict

_PLAIN: dict[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}

Schema = dict[str, Any]


def request_schema(cls: type[Any]) -> Schema:
    """What a dataclass of `option()` fields takes: names, types, ranges, sentences, defaults."""
    described = describe(cls)
    schema: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {field.name: _setting(field) for field in described},
    }
    required = [field.name for field in described if field.required]
    return schema | ({"required": required} if required else {})


def answer_schema(cls: type[Any]) -> Schema:
    """What a dataclass gives, all of it always there."""
    hints = get_type_hints(cls)
    names = [field.name for field in fields(cls)]
    properties = {name: _kind(hints[name], answer_schema) for name in names}
    return {"type": "object", "required": names, "properties": properties}


def _setting(field: Field) -> Schema:
    schema = {**_kind(field.type, request_schema), "description": field.help}
    if field.choices:
        schema["enum"] = [*field.choices, *([None] if _is_optional(field.type) else [])]
    _bound(schema, field)
    default = field.default
    if default is not MISSING and default is not None:
        schema["default"] = to_dict(default) if is_dataclass(default) else _plain(default)
    return schema


def _bound(schema: Schema, field: Field) -> None:
    """Write the range where the numbers are: here, in a list's items, in a mapping's values."""
    inner = schema.get("items") or schema.get("additionalProperties") or schema
    place: Schema = inner if isinstance(inner, dict) else schema
    if field.ge is not None:
        place["minimum"] = field.ge
    if field.le is not None:
        place["maximum"] = field.le


def _kind(kind: Any, nested: Any) -> Schema:
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        (inner,) = (part for part in parts if part is not type(None))
        return {**_kind(inner, nested), "nullable": True} if type(None) in parts else {}
    if origin is Literal:
        return {"type": "string", "enum": list(parts)}
    if origin is tuple:
        return _list(parts, nested)
    if origin is Mapping or origin is dict:
        return {"type": "object", "additionalProperties": _kind(parts[1], nested)}
    if is_dataclass(kind):
        return nested(kind)
    return {"type": "string" if kind is Path else _PLAIN[kind]}


def _list(parts: tuple[Any, ...], nested: Any) -> Schema:
    if len(parts) == 2 and parts[1] is Ellipsis:
        return {"type": "array", "items": _kind(parts[0], nested)}
    bounds = {"minItems": len(parts), "maxItems": len(parts)}
    return {"type": "array", "items": _kind(parts[0], nested), **bounds}


def _is_optional(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return dict(value) if isinstance(value, Mapping) else value
