"""Errors on their way out: a domain error becomes an HTTP status here, once, for pages and API alike.

The API speaks RFC 9457 (`application/problem+json`); pages say the same sentence in the house's clothes.
"""

import json
import secrets
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from pydantic import BaseModel, Field

from cti.web.sentences import said

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ErrorPage = Callable[[web.Request, "Problem"], web.Response]

PROBLEM_TYPE = "urn:presszero:problem:"


class BadField(BaseModel):
    """One field of a request that does not fit."""

    where: str = Field(description="Where it is, for example `query.limit` or `body.text`.")
    message: str


class ProblemBody(BaseModel):
    """Problem details of RFC 9457."""

    type: str = Field(description="Stable name of the problem, a URN.")
    title: str = Field(description="HTTP's words for the status.")
    status: int
    detail: str = Field(description="What is wrong and what to do.")
    errors: list[BadField] = []


@dataclass
class Problem(Exception):
    """What a handler raises when the request is at fault, and what every other error becomes."""

    status: int
    slug: str  # last part of the problem's `type`: stable, for programs
    detail: str  # for people: what is wrong and what to do
    errors: Sequence[BadField] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)  # extension members: JSON by name

    def __str__(self) -> str:
        return self.detail

    @property
    def title(self) -> str:
        """HTTP's own words for the status."""
        return HTTPStatus(self.status).phrase

    def response(self) -> web.Response:
        """The problem as `application/problem+json`."""
        body = ProblemBody(
            type=PROBLEM_TYPE + self.slug,
            title=self.title,
            status=self.status,
            detail=self.detail,
            errors=list(self.errors),
        )
        return web.Response(
            status=self.status,
            text=json.dumps(body.model_dump(exclude_defaults=True) | dict(self.more), ensure_ascii=False),
            content_type="application/problem+json",
            headers=self.headers,
        )


@dataclass(frozen=True, slots=True)
class Known:
    """How one of the house's errors looks from outside. Its message is shown: it is written for people."""

    error: type[Exception]
    status: int
    slug: str


def not_found(what: str) -> Problem:
    """404: `what` with its article, as in "this ticket"."""
    return Problem(404, "not-found", f"There is no {what}.")


def wants_page(request: web.Request) -> bool:
    """A person with a browser, rather than a program."""
    return not request.path.startswith(("/api/", "/healthz", "/readyz", "/metrics"))


def _from_http(error: web.HTTPException) -> Problem:
    words = {
        404: "There is nothing at this address. Check it, or start from the first page.",
        405: "This address does not understand that method.",
        413: "The request is too large.",
    }
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    detail = words.get(error.status, error.reason or "The request was refused.")
    slug = HTTPStatus(error.status).phrase.lower().replace(" ", "-")
    return Problem(error.status, slug, detail, headers=headers)


def _unexpected(request: web.Request, error: Exception) -> Problem:
    resource = request.match_info.route.resource
    incident = secrets.token_hex(4)  # lets a person's report meet the log line
    log.error(
        "a request failed",
        action="request_failed",
        incident=incident,
        route=resource.canonical if resource else "none",  # never the raw path: it may carry a number
        error=type(error).__name__,
        # Only places in the code: messages and values may be somebody's name or number.
        where="".join(traceback.format_tb(error.__traceback__)),
    )
    return Problem(500, "fault", f"Something broke on our side. Report it as incident {incident}.")


def problems_middleware(known: Sequence[Known], error_page: ErrorPage) -> Middleware:
    """The one place where errors get a status. The first entry of `known` that fits wins."""

    @web.middleware
    async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Problem as problem:
            answer = problem
        except web.HTTPException as error:
            if error.status < 400:
                raise
            answer = _from_http(error)
        except web.RequestPayloadError:
            answer = Problem(400, "bad-body", "The body cannot be unpacked: send it as its headers say.")
        except (ConnectionResetError, ConnectionAbortedError):
            raise  # the client left: nobody to tell
        except Exception as error:
            fits = next((entry for entry in known if isinstance(error, entry.error)), None)
            if fits is None:
                answer = _unexpected(request, error)
            elif fits.status == 503:
                log.warning(
                    "a request met a busy service", action="request_unserved", error=type(error).__name__
                )
                words = "The service is busy or its database does not answer. Try again in a moment."
                answer = Problem(503, fits.slug, words, headers={"Retry-After": "2"})
            else:
                answer = Problem(fits.status, fits.slug, str(error))
        answer.detail = said(answer.detail)
        return error_page(request, answer) if wants_page(request) else answer.response()

    return problems
