"""API operations: one decorator reads requests by pydantic models; the OpenAPI 3.1 document comes from it.

A handler's own signature is the truth: parameters named `path`, `query` and `body`, typed with pydantic
models, are read, checked and documented; its return type is the answer. It knows nothing of what is served.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, get_type_hints

from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema

from cti.web.problems import BadField, Problem, ProblemBody

Json = dict[str, Any]

SCHEMA_REF = "#/components/schemas/{model}"
PARTS = ("path", "query", "body")
_IF_MATCH: Json = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The `ETag` that the change is meant for; `*`: whatever it is by now.",
    "schema": {"type": "string"},
}


@dataclass(frozen=True, slots=True)
class Media:
    """An answer that is not JSON of ours: an audio file, WebVTT."""

    content_type: str
    description: str
    ranges: bool = False  # answers `Range` with 206


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    inputs: dict[str, type[BaseModel]]  # "path", "query", "body"
    answer: type[BaseModel] | None
    media: Media | None
    status: int
    tag: str
    public: bool
    problems: Sequence[int]
    if_match: bool  # asks for the version that the change is meant for

    @property
    def name(self) -> str:
        """The operationId: `list_calls` becomes `listCalls`."""
        first, *rest = self.handler.__name__.split("_")
        return first + "".join(word.capitalize() for word in rest)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The aiohttp handler: read the parts, call, present."""
        given: dict[str, BaseModel] = {}
        for part, model in self.inputs.items():
            given[part] = await _read_part(request, part, model)
        answer = await self.handler(request, **given)
        if isinstance(answer, web.StreamResponse):
            return answer
        if answer is None:
            return web.Response(status=self.status)
        return web.json_response(text=answer.model_dump_json(), status=self.status)


def operation(
    method: str,
    path: str,
    *,
    tag: str,
    status: int = 200,
    media: Media | None = None,
    public: bool = False,
    problems: Sequence[int] = (),
    answer: type[BaseModel] | None = None,
    if_match: bool = False,
) -> Callable[[Callable[..., Awaitable[Any]]], Operation]:
    """Make an API operation of a handler `async def(request, *, path=…, query=…, body=…) -> Model`.

    The handler's docstring becomes the summary and description. `problems` names the statuses it may answer
    with beyond those that follow from its inputs. `answer`: of a handler that makes the response itself.
    """

    def decorate(handler: Callable[..., Awaitable[Any]]) -> Operation:
        hints = get_type_hints(handler)
        told = answer or hints.get("return")
        return Operation(
            method=method,
            path=path,
            handler=handler,
            inputs={part: hints[part] for part in PARTS if part in hints},
            answer=told if inspect.isclass(told) and issubclass(told, BaseModel) else None,
            media=media,
            status=status,
            tag=tag,
            public=public,
            problems=problems,
            if_match=if_match,
        )

    return decorate


async def _read_part(request: web.Request, part: str, model: type[BaseModel]) -> BaseModel:
    try:
        if part == "path":
            return model.model_validate(dict(request.match_info))
        if part == "query":
            repeated = sorted({name for name in request.query if len(request.query.getall(name)) > 1})
            if repeated:
                errors = [
                    BadField(where=f"query.{name}"[:80], message="given more than once") for name in repeated
                ]
                raise Problem(400, "bad-request", "Give each query parameter once.", errors[:8])
            return model.model_validate(dict(request.query))
        if request.content_type != "application/json":
            # Also what keeps other sites' forms out: they cannot send this type without our consent.
            raise Problem(415, "not-json", "Send the body as application/json.")
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        raise bad_request(part, error) from error


def bad_request(part: str, error: ValidationError) -> Problem:
    """The problem that a part of a request is: 404 for an impossible address, else 400."""
    errors = [
        BadField(where=".".join((part, *map(str, entry["loc"])))[:80], message=entry["msg"])
        for entry in error.errors(include_url=False, include_context=False, include_input=False)[:8]
    ]
    if part == "path":
        return Problem(
            404, "not-found", "There is nothing with this id: an id of ours looks different.", errors
        )
    first = errors[0]
    return Problem(400, "bad-request", f"{first.where}: {first.message}.", errors)


def document(operations: Iterable[Operation], *, title: str, version: str, description: str) -> Json:
    """The OpenAPI 3.1 document of these operations."""
    operations = list(operations)
    models = {model for entry in operations for model in entry.inputs.values()}
    answers = {entry.answer for entry in operations if entry.answer} | {ProblemBody}
    wanted = [(model, "validation") for model in models] + [(model, "serialization") for model in answers]
    wanted.sort(key=lambda pair: (pair[0].__name__, pair[1]))
    refs, schemas = models_json_schema(wanted, ref_template=SCHEMA_REF)  # type: ignore[arg-type]
    definitions: Json = schemas["$defs"]
    paths: dict[str, Json] = {}
    for entry in operations:
        described = _describe(entry, refs, definitions)
        paths.setdefault(entry.path, {})[entry.method.lower()] = described
    parameters = {
        model.__name__ for entry in operations for part, model in entry.inputs.items() if part != "body"
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {name: schema for name, schema in definitions.items() if name not in parameters},
            "securitySchemes": {
                "session": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of `POST /api/v1/session`.",
                },
                "cookie": {"type": "apiKey", "in": "cookie", "name": "presszero"},
            },
        },
        "security": [{"session": []}, {"cookie": []}],
    }


def _describe(entry: Operation, refs: Any, definitions: Json) -> Json:
    summary, _, rest = inspect.cleandoc(entry.handler.__doc__ or "").partition("\n")
    described: Json = {
        "operationId": entry.name,
        "tags": [entry.tag],
        "summary": summary,
        "responses": _responses(entry, refs),
    }
    if rest.strip():
        described["description"] = rest.strip()
    parameters = [
        parameter
        for part in ("path", "query")
        if part in entry.inputs
        for parameter in _parameters(part, definitions[_name(refs[entry.inputs[part], "validation"])])
    ]
    if entry.if_match:
        parameters.append(_IF_MATCH)
    if parameters:
        described["parameters"] = parameters
    if "body" in entry.inputs:
        schema = refs[entry.inputs["body"], "validation"]
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if entry.public:
        described["security"] = []
    return described


def _name(reference: Json) -> str:
    return str(reference["$ref"]).rsplit("/", 1)[-1]


def _parameters(part: str, schema: Json) -> list[Json]:
    required = set(schema.get("required", ()))
    found: list[Json] = []
    for name, shape in schema.get("properties", {}).items():
        parameter: Json = {"name": name, "in": part, "required": part == "path" or name in required}
        shape = dict(shape)
        if description := shape.pop("description", None):
            parameter["description"] = description
        shape.pop("title", None)
        found.append(parameter | {"schema": shape})
    return found


def _responses(entry: Operation, refs: Any) -> Json:
    success: Json = {"description": HTTPStatus(entry.status).phrase}
    if entry.media:
        success = {
            "description": entry.media.description,
            "content": {entry.media.content_type: {"schema": {}}},
        }
    elif entry.answer:
        schema = refs[entry.answer, "serialization"]
        success["content"] = {"application/json": {"schema": schema}}
    responses: Json = {str(entry.status): success}
    if entry.media and entry.media.ranges:
        responses["206"] = {**success, "description": "The bytes asked for with `Range`"}
    statuses = set(entry.problems) | ({412, 428} if entry.if_match else set())
    if not entry.public:
        statuses |= {401}
    if "path" in entry.inputs:
        statuses |= {404}
    if "query" in entry.inputs:
        statuses |= {400}
    if "body" in entry.inputs:
        statuses |= {400, 413, 415}
    if entry.method != "GET":
        statuses |= {403}  # from another site's page, or not theirs to do
    problem = {"application/problem+json": {"schema": refs[ProblemBody, "serialization"]}}
    for status in sorted(statuses | {429, 503}):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": problem}
    return responses
