"""What a browser sends to a page, read by the API's own schemas. Knows no page."""

from collections.abc import Mapping
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from cti.web.openapi import bad_request
from cti.web.problems import Problem

M = TypeVar("M", bound=BaseModel)

FORM_TYPE = "application/x-www-form-urlencoded"


def from_path(request: web.Request, model: type[M]) -> M:
    """The address's variable parts."""
    return _read("path", model, dict(request.match_info))


def from_query(request: web.Request, model: type[M]) -> M:
    """The address's query. What the model does not know is left alone: people's links carry all sorts."""
    return _read("query", model, {name: value for name, value in request.query.items() if value})


async def from_form(request: web.Request, model: type[M]) -> M:
    """A posted form, as the model has it."""
    return as_model(await posted(request), model)


async def posted(request: web.Request) -> dict[str, str]:
    """A posted form's fields. No file is ever taken: only the plain type of form is read."""
    if request.content_type != FORM_TYPE:
        raise Problem(415, "not-a-form", "Send the form as the page offers it.")
    try:
        form = await request.post()
    except (ValueError, LookupError) as error:
        raise Problem(400, "bad-form", "The form is not written in a known character set.") from error
    return {name: value for name, value in form.items() if isinstance(value, str)}


def as_model(form: Mapping[str, str], model: type[M]) -> M:
    """A form's fields, checked; what was left empty counts as not given."""
    return _read("body", model, {name: value for name, value in form.items() if value})


def _read(part: str, model: type[M], given: dict[str, object]) -> M:
    try:
        return model.model_validate({name: given[name] for name in model.model_fields if name in given})
    except ValidationError as error:
        raise bad_request(part, error) from error
