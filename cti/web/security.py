"""Who may do what over HTTP: sessions, roles, same-origin writes, and the headers that tie a browser down.

Everything is closed unless `PUBLIC` names it. It knows accounts and requests, not calls or tickets.
"""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from cti.web.languages import LANGUAGES, preferred, speak
from cti.web.problems import Handler, Problem, wants_page
from tickets.accounts import PENDING_FOR, Account
from tickets.call import Call
from tickets.vocabulary import CallOutcome, Role
from tickets.workflow import waits_for_a_person

ACCOUNT = web.RequestKey("account", Account)
TOKEN = web.RequestKey("token", str)

ACCOUNT_DEADLINE_S = 2.0
READ_DEADLINE_S = 10.0  # a handler that only reads and writes rows
LANGUAGE_COOKIE = "presszero-language"  # for people who are not logged in; holds nothing else
TOKEN_LIMIT = 256  # characters; ours are shorter
BODY_LIMIT = 64 * 1024  # bytes; the largest thing anybody sends is a note

PUBLIC = frozenset(
    {
        ("GET", "/login"),
        ("POST", "/login"),
        ("GET", "/login/code"),
        ("POST", "/login/code"),
        ("POST", "/language"),
        ("POST", "/api/v1/session"),
        ("GET", "/api/v1/openapi.json"),
        ("GET", "/static/{name}"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),  # decides for itself: this machine or a supervisor
        ("GET", "/ring"),  # these three are there in the demo alone
        ("POST", "/ring/phone"),
        ("GET", "/ring/call"),
    }
)
"""The routes that need no account, by method and pattern: the whole list."""

WITH_START_PASSWORD = PUBLIC | {
    ("GET", "/account/first-password"),
    ("POST", "/account/first-password"),
    ("POST", "/logout"),
    ("GET", "/api/v1/session"),
    ("DELETE", "/api/v1/session"),
}
"""Where somebody may go whose password whoever created the account knows: to a password of their own."""

STREAMS = frozenset({"/live", "/desk/stream"})
ENDLESS = frozenset({*STREAMS, "/api/v1/recordings/{recording_id}/audio", "/calls.csv", "/tickets.csv"})
"""The routes whose answers may take long; they keep their own deadlines."""

PHONE_PAGES = frozenset({"/desk", "/ring"})
"""The pages with a phone in them: they may use the microphone and speak with the PBX, the others may not."""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Server": "PressZero",
}

FindAccount = Callable[[str], Awaitable[Account | None]]


def cookie_name(secure: bool) -> str:
    """`__Host-` binds the cookie to this host and to TLS; without TLS browsers would refuse it."""
    return "__Host-presszero" if secure else "presszero"


def set_session_cookie(response: web.StreamResponse, token: str, *, secure: bool) -> None:
    """Hand the session to the browser: unreadable for scripts, not sent by other sites' forms."""
    name = cookie_name(secure)
    response.set_cookie(name, token, path="/", httponly=True, samesite="Lax", secure=secure)


def clear_session_cookie(response: web.StreamResponse, *, secure: bool) -> None:
    """Take the session out of the browser."""
    name = cookie_name(secure)
    response.del_cookie(name, path="/", httponly=True, samesite="Lax", secure=secure)


def _headers_with_phone(phone_url: str) -> dict[str, str]:
    """For a page with a phone in it. `phone_url`: the PBX's WebSocket; empty: there is none."""
    parts = urlsplit(phone_url)
    origin = f" {parts.scheme}://{parts.netloc}" if phone_url else ""
    policy = CONTENT_SECURITY_POLICY.replace("connect-src 'self'", f"connect-src 'self'{origin}")
    allowed = HEADERS["Permissions-Policy"].replace("microphone=()", "microphone=(self)")
    return {**HEADERS, "Content-Security-Policy": policy, "Permissions-Policy": allowed}


def _pending_name(secure: bool) -> str:
    return cookie_name(secure) + "-pending"


def pending_of(request: web.Request, *, secure: bool) -> str:
    """What the first step of a login has left with the browser; empty without one."""
    return request.cookies.get(_pending_name(secure), "")[:TOKEN_LIMIT]


def set_pending_cookie(response: web.StreamResponse, pending: str, *, secure: bool) -> None:
    """The password was right; only with the second factor it opens anything."""
    name = _pending_name(secure)
    response.set_cookie(
        name, pending, path="/", httponly=True, samesite="Lax", secure=secure, max_age=PENDING_FOR.seconds
    )


def clear_pending_cookie(response: web.StreamResponse, *, secure: bool) -> None:
    """The second step is done, or it is too late for it."""
    name = _pending_name(secure)
    response.del_cookie(name, path="/", httponly=True, samesite="Lax", secure=secure)


def headers_signal(
    secure: bool, phone_url: str = ""
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """For `on_response_prepare`: reaches files and streams too, where a middleware comes too late."""
    with_phone = _headers_with_phone(phone_url)

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(with_phone if request.path in PHONE_PAGES else HEADERS)
        if secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        response.headers.setdefault("Cache-Control", "no-store")  # pages are full of people's data

    return add_headers


def _same_origin(request: web.Request) -> bool:
    """Whether a write comes from our own pages.

    `Sec-Fetch-Site` says so; browsers send it over TLS and on localhost. Elsewhere `Origin` must name the
    host that was asked. A program sends neither, and a forged page cannot leave both out: a form posted by a
    browser always has `Origin`.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


def _token(request: web.Request, secure: bool) -> str | None:
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return bearer.strip()[:TOKEN_LIMIT] or None
    return request.cookies.get(cookie_name(secure), "")[:TOKEN_LIMIT] or None


def is_loopback(request: web.Request) -> bool:
    """Whether the peer is this very machine, with no proxy speaking for somebody else."""
    if "Forwarded" in request.headers or "X-Forwarded-For" in request.headers:
        return False
    return request.remote in {"127.0.0.1", "::1"}


def _send_to_first_password(request: web.Request) -> None:
    if wants_page(request) and request.method == "GET" and not _is_stream(request):
        raise web.HTTPSeeOther("/account/first-password?next=" + quote(request.path_qs, safe=""))
    raise Problem(403, "start-password", "Choose a password of your own first: open the desk in a browser.")


def _is_stream(request: web.Request) -> bool:
    return request.path in {"/live", "/desk/stream"}


def _gate(request: web.Request) -> tuple[str, str]:
    resource = request.match_info.route.resource
    method = "GET" if request.method == "HEAD" else request.method
    return method, resource.canonical if resource is not None else ""


def session_middleware(find_account: FindAccount, *, secure: bool) -> Middleware:
    """Let nobody past without an account, except to the doors in `PUBLIC`; refuse other sites' writes."""

    @web.middleware
    async def session(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method not in {"GET", "HEAD", "OPTIONS"} and not _same_origin(request):
            raise Problem(
                403, "other-site", "This request was sent by another site's page. Send it from ours."
            )
        if (token := _token(request, secure)) is not None:
            async with asyncio.timeout(ACCOUNT_DEADLINE_S):
                account = await find_account(token)
            if account is not None:
                request[ACCOUNT] = account
                request[TOKEN] = token
                speak(account.language)
                if account.start_password and _gate(request) not in WITH_START_PASSWORD:
                    _send_to_first_password(request)
        if ACCOUNT not in request and _gate(request) not in PUBLIC:
            if wants_page(request) and request.method == "GET" and request.path not in STREAMS:
                raise web.HTTPSeeOther("/login?next=" + quote(request.path_qs, safe=""))
            raise Problem(401, "no-account", "Log in first.", headers={"WWW-Authenticate": "Bearer"})
        return await handler(request)

    return session


@web.middleware
async def language_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The language of the answer: chosen before, or as the browser asks; an account's own comes on top."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    speak(chosen if chosen in LANGUAGES else preferred(request.headers.get("Accept-Language", "")))
    return await handler(request)


@web.middleware
async def deadline_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """No request holds a worker for long: neither a client that dribbles its body nor a slow database."""
    if _gate(request)[1] in ENDLESS:
        return await handler(request)
    async with asyncio.timeout(READ_DEADLINE_S):
        return await handler(request)


def account_of(request: web.Request) -> Account:
    """Who asks. Only for routes that are not public."""
    return request[ACCOUNT]


def require(account: Account, role: Role) -> None:
    """Raise 403 unless the account has that role or one above it."""
    if not has_role(account, role):
        raise Problem(403, "not-yours", f"This is for a {role}. Ask one, or log in as one.")


def has_role(account: Account, role: Role) -> bool:
    """Whether the account has that role or one above it."""
    order = list(Role)
    return order.index(account.role) >= order.index(role)


def may_listen(account: Account, call: Call) -> bool:
    """Whether an account that sees a call may hear and read its recording.

    Supervisors, the operator who answered, and operators who may hear their groups' calls; a voicemail
    everybody who sees it, for one of them calls back.
    """
    own = call.operator is not None and account.extension == call.operator
    of_the_group = account.hears_group and call.queue is not None
    return has_role(account, Role.SUPERVISOR) or own or of_the_group or call.outcome is CallOutcome.VOICEMAIL


def may_read_words(account: Account, call: Call) -> bool:
    """Whether an account may read what the caller said to the bot: who may listen, and everybody at the desk
    while the call waits for one of them.
    """
    return waits_for_a_person(call) or may_listen(account, call)
