"""For those who watch the service: alive, ready, metrics. Knows probes by name, not what they probe."""

import asyncio
import time
from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Middleware
from prometheus_client import Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from cti.live import LiveCalls
from cti.web.problems import Handler, Problem
from cti.web.security import ACCOUNT, has_role, is_loopback
from cti.web.services import Probe, services_of
from tickets.vocabulary import CallState, Role

PROBE_DEADLINE_S = 2.0
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def healthz(request: web.Request) -> web.Response:
    """The process answers; nothing more is asked."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """Whether calls can be served: 200 or 503, with each part by name.

    The reasons name hosts and folders: only this machine and supervisors read them.
    """
    probes = services_of(request).probes
    faults = await asyncio.gather(*(_fault(probe) for probe in probes.values()))
    insider = _is_insider(request)
    checks = {
        name: {"ok": fault is None} | ({"reason": fault} if fault and insider else {})
        for name, fault in zip(probes, faults, strict=True)
    }
    ready = not any(faults)
    body = {"status": "ready" if ready else "not ready", "checks": checks}
    return web.json_response(body, status=200 if ready else 503)


async def _fault(probe: Probe) -> str | None:
    try:
        async with asyncio.timeout(PROBE_DEADLINE_S):
            await probe()
    except TimeoutError:
        return f"no answer within {PROBE_DEADLINE_S:g} s"
    except Exception as error:
        return str(error) or type(error).__name__
    return None


def _is_insider(request: web.Request) -> bool:
    account = request.get(ACCOUNT)
    return is_loopback(request) or (account is not None and has_role(account, Role.SUPERVISOR))


async def metrics(request: web.Request) -> web.Response:
    """Prometheus text. For this machine and for supervisors."""
    if not _is_insider(request):
        raise Problem(403, "not-yours", "Metrics are for this machine and for supervisors.")
    body = generate_latest(services_of(request).registry)
    return web.Response(body=body, headers={"Content-Type": METRICS_TYPE})


class LiveCallsCollector(Collector):
    """Live calls by state, counted when they are asked for."""

    def __init__(self, live: LiveCalls) -> None:
        self._live = live

    def collect(self) -> Iterable[Metric]:
        """See Collector."""
        gauge = GaugeMetricFamily("presszero_live_calls", "Calls in progress.", labels=["state"])
        states = [call.state for call in self._live.calls()]
        for state in CallState:
            if state is not CallState.ENDED:
                gauge.add_metric([state.value], states.count(state))
        yield gauge


def metrics_middleware(registry: CollectorRegistry) -> Middleware:
    """Count requests by route pattern, never by path: paths carry ids."""
    requests = Counter(
        "presszero_http_requests", "HTTP requests.", ["method", "route", "status"], registry=registry
    )
    seconds = Histogram("presszero_http_seconds", "Time to the answer.", ["route"], registry=registry)

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "none"
        method = request.method if request.method in {"GET", "HEAD", "POST", "PATCH", "DELETE"} else "other"
        began = time.monotonic()
        status = 499  # the client left
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as error:
            status = error.status
            raise
        else:
            return response
        finally:
            requests.labels(method, route, str(status)).inc()
            seconds.labels(route).observe(time.monotonic() - began)

    return count
