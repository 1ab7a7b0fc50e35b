"""The API of the promise list: who waits for a call-back, and what people do about it."""

from aiohttp import web

from cti.web.access import must_see_promise, sight_of
from cti.web.inputs import PromiseEnd, PromisePath, PromiseQuery
from cti.web.openapi import operation
from cti.web.schemas import PromiseList, PromiseOut
from cti.web.security import account_of
from cti.web.services import Services, services_of
from tickets.desk import NotAllowed
from tickets.promises import PromiseLine


@operation("GET", "/api/v1/promises", tag="Promises")
async def list_promises(request: web.Request, *, query: PromiseQuery) -> PromiseList:
    """People who were promised a call-back, newest first."""
    page = await services_of(request).promises.page(**query.model_dump(), sight=sight_of(request))
    return PromiseList(items=[PromiseOut.of(line) for line in page.items], next_cursor=page.next_cursor)


@operation("GET", "/api/v1/promises/{promise_id}", tag="Promises")
async def get_promise(request: web.Request, *, path: PromisePath) -> PromiseOut:
    """One promise, with the attempts to keep it."""
    return PromiseOut.of(await services_of(request).promises.line(path.promise_id, sight_of(request)))


@operation("POST", "/api/v1/promises/{promise_id}/end", tag="Promises", problems=(409,))
async def end_promise(request: web.Request, *, path: PromisePath, body: PromiseEnd) -> PromiseOut:
    """Say that the person was reached another way, or why nobody will call.

    An excuse needs a reason. While the person is being called, and for a promise that has ended, the answer
    is 409.
    """
    await must_see_promise(request, path.promise_id)
    book, login = services_of(request).promises, account_of(request).login
    if body.state == "excused":
        return PromiseOut.of(await book.excuse(path.promise_id, login, body.reason))
    return PromiseOut.of(await book.reach(path.promise_id, login, body.reason))


@operation("POST", "/api/v1/promises/{promise_id}/call", tag="Promises", status=202, problems=(409,))
async def call_now(request: web.Request, *, path: PromisePath) -> PromiseOut:
    """Have the house call as soon as an operator is free, whatever has been tried before.

    The person keeps their place among those who wait. Without a number, or where the scenario has no
    `call_back`, the answer is 409.
    """
    await must_see_promise(request, path.promise_id)
    services = services_of(request)
    return PromiseOut.of(await have_called(services, path.promise_id))


async def have_called(services: Services, promise_id: int) -> PromiseLine:
    """Have the house call somebody, where the house calls at all. Raises `NotFound`, `NotAllowed`."""
    if not services.calls_back:
        raise NotAllowed("The scenario has no section `call_back`: call the person yourself.")
    return await services.promises.call_now(promise_id)


OPERATIONS = (list_promises, get_promise, end_promise, call_now)
