"""The OpenAPI document is what OpenAPI 3.1 asks for, and tells the truth about the routes."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from cti.web.site import OPERATIONS, api_document

pytestmark = pytest.mark.unit

JSON_TYPES = {"string", "number", "integer", "boolean", "array", "object", "null"}
DOCUMENT = api_document()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, described in methods.items():
            yield path, method, described


def everything(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from everything(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from everything(inner)


def test_it_has_the_parts_that_openapi_31_requires() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert DOCUMENT["info"]["title"]
    assert DOCUMENT["info"]["version"]
    assert all(path.startswith("/api/v1/") for path in DOCUMENT["paths"])
    methods = {method for _, method, _ in operations()}
    assert methods <= {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def test_it_describes_every_operation_of_the_code_once() -> None:
    described = {(method.upper(), path) for path, method, _ in operations()}
    assert described == {(entry.method, entry.path) for entry in OPERATIONS}
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names)) == len(OPERATIONS)
    assert all(operation["summary"] for _, _, operation in operations())


def test_it_declares_exactly_the_path_parameters_that_a_path_has() -> None:
    for path, _, operation in operations():
        parameters = operation.get("parameters", [])
        declared = {one["name"] for one in parameters if one["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))
        assert all(one["required"] for one in parameters if one["in"] == "path")
        assert all(set(one) <= {"name", "in", "required", "schema", "description"} for one in parameters)


def test_it_answers_with_described_media_only() -> None:
    for _, _, operation in operations():
        assert any(status.startswith("2") for status in operation["responses"])
        for status, response in operation["responses"].items():
            assert response["description"]
            for media, content in response.get("content", {}).items():
                assert "schema" in content
                if status >= "400":
                    assert media == "application/problem+json"


def test_it_resolves_every_reference_and_keeps_no_unused_schema() -> None:
    names = set(DOCUMENT["components"]["schemas"])
    references = {str(one["$ref"]) for one in everything(DOCUMENT) if "$ref" in one}
    assert {reference.removeprefix("#/components/schemas/") for reference in references} == names


def test_it_uses_json_schema_types_only() -> None:
    for schema in everything(DOCUMENT["components"]["schemas"]):
        kind = schema.get("type")
        if isinstance(kind, str) and ("properties" in schema or "items" in schema or len(schema) <= 3):
            assert kind in JSON_TYPES


def test_it_says_of_every_write_that_it_may_be_refused_and_of_everything_that_it_may_be_too_often() -> None:
    for _, method, operation in operations():
        assert {"429", "503"} <= set(operation["responses"])
        assert method == "get" or "403" in operation["responses"]


def test_it_closes_every_operation_but_the_login() -> None:
    assert DOCUMENT["security"]
    open_ones = [
        operation["operationId"] for _, _, operation in operations() if operation.get("security") == []
    ]
    assert open_ones == ["logIn"]
    assert all("401" in operation["responses"] for _, _, operation in operations())
