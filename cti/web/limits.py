"""How much of the HTTP door one address may have: requests and connections. Knows no account.

This machine itself is not limited: probes and a reverse proxy come from it. What a proxy here passes on is
counted for the address that the proxy names.
"""

import math
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from cti.waiting.rates import Allowance
from cti.web.problems import Handler, Problem

log = structlog.get_logger()

PER_S = 50.0  # requests of one address in the long run; an office full of desks behind one needs some ten
BURST = 500.0  # all desks of that office opened at once
ADDRESSES = 10_000  # remembered
LOGIN_COST = 20.0  # requests: a login costs us a hash, made to be slow
LOGINS = frozenset({"/login", "/api/v1/session"})


def is_here(address: str | None) -> bool:
    """Whether the peer is this very machine."""
    try:
        return address is not None and ip_address(address).is_loopback
    except ValueError:
        return False


def neighbourhood(address: str) -> str:
    """Whom an address counts for: itself; of IPv6 the whole /64, which is one subscriber's."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))


def asker(request: web.Request) -> str | None:
    """Whom the request counts for; None: this machine."""
    peer = request.remote
    if peer is None:
        return "unknown"
    if not is_here(peer):
        return neighbourhood(peer)
    # The proxy here adds the address that it saw as the last; what stands before it anybody may have written.
    forwarded = request.headers.getall("X-Forwarded-For", [])
    named = forwarded[-1].rpartition(",")[2].strip() if forwarded else ""
    return neighbourhood(named) if named and not is_here(named) else None


def rate_middleware(
    allowance: Allowance | None = None, clock: Callable[[], float] = time.monotonic
) -> Middleware:
    """Refuse who asks too often, before anything is looked up for them."""
    bucket = allowance or Allowance(per_s=PER_S, burst=BURST, keys=ADDRESSES)

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        who = asker(request)
        if who is not None:
            login = request.method == "POST" and request.path in LOGINS
            wait_s = bucket.take(who, LOGIN_COST if login else 1.0, clock())
            if wait_s:
                log.info("an address asks too often", action="http_too_often")
                raise Problem(
                    429,
                    "too-often",
                    "Too many requests from your address: wait a moment.",
                    headers={"Retry-After": str(math.ceil(wait_s))},
                )
        return await handler(request)

    return limit
