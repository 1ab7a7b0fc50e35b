"""Can the vendor reach us? We ask our own public address, as the vendor will, and say in words what answered.

A door proves that it is ours by what it makes of a nonce; see `door_plate.py`. Knows no vendor.
"""

import errno
import hmac
import json
import secrets
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from cti.virtual_pbx.door import NOBODY_HERE
from cti.virtual_pbx.door_plate import DoorPlate

PATIENCE_S = 6.0
LOOKED_AT = 4096  # bytes of an answer


@dataclass(frozen=True, slots=True)
class Reach:
    """What came of it."""

    good: bool  # our door answers there
    sentence: str
    sure: bool = True  # False: it may look different from outside


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody answered."""

    status: int
    body: str
    location: str = ""
    server: str = ""


async def ask_ourselves(public_url: str, vendor: str, plate: DoorPlate) -> Reach:
    """Ask as the vendor will. Never raises; takes a few seconds at most."""
    nonce = secrets.token_hex(16)
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(
                f"{public_url}/{vendor}/-/reach", params={"nonce": nonce}, allow_redirects=False
            ) as got,
        ):
            body = (await got.content.read(LOOKED_AT)).decode("utf-8", "replace")
            headers = got.headers
            answer = Answer(got.status, body, headers.get("Location", ""), headers.get("Server", ""))
    except TimeoutError:
        return _unsure(
            f"{_host(public_url)} does not answer within {PATIENCE_S:g} s: a firewall swallows it, or this "
            "network does not let its own machines go out and come in again."
        )
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return of_error(public_url, error)
    return of_answer(public_url, answer, plate.proof(nonce), plate.address)


def of_answer(public_url: str, answer: Answer, proof: str, door: str) -> Reach:
    """What an answer means. `proof`: what our door makes of the nonce; `door`: its address here."""
    host, status, parts = _host(public_url), answer.status, urlsplit(public_url)
    said = _proof_in(answer.body)
    if said is not None and hmac.compare_digest(said.encode(), proof.encode()):
        if parts.scheme == "http":
            return Reach(
                True,
                f"{host} leads to our door, without TLS: callers' numbers are in clear on the way, and "
                "most vendors want https.",
            )
        return Reach(True, f"{host} leads to our door, with a good certificate.")
    if said is not None:
        return _bad(f"At {host} another PressZero answers: lead the address to {door} of this machine.")
    if answer.body == NOBODY_HERE:
        path = f"cut {parts.path} off" if parts.path else "pass the path on as it is"
        return _bad(f"{host} leads to a door of ours and asks it for another path: the proxy must {path}.")
    if status in {502, 503, 504}:
        return _bad(
            f"A reverse proxy answers at {host} (status {status}) and does not find our door: "
            f"lead it to {door}."
        )
    if 300 <= status < 400:
        to = urlsplit(answer.location).netloc or "another page"
        return _bad(
            f"{host} sends askers on to {to} (status {status}), and vendors do not follow: "
            f"let it lead to {door}."
        )
    if status in {401, 403, 407}:
        return _unsure(
            f"Something in front of our door turns us away (status {status}): a password, or a list of "
            "addresses. That is right if the vendor's addresses are on the list."
        )
    by = f", {answer.server[:40]}" if answer.server else ""
    return _bad(f"Another server answers at {host} (status {status}{by}): lead {public_url}/ to {door}/.")


def of_error(public_url: str, error: BaseException) -> Reach:
    """What it means that nothing answered."""
    host = _host(public_url)
    # The more special ones first: aiohttp's errors inherit from each other.
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _bad(f"The certificate at {host} is not good: {_fault_of(error)}")
    if isinstance(error, aiohttp.ClientConnectorDNSError | socket.gaierror):
        name = urlsplit(public_url).hostname
        return _bad(
            f"DNS does not know {name}: correct the address, or add the name where the domain is kept."
        )
    if isinstance(error, aiohttp.ClientConnectorSSLError | ssl.SSLError):
        return _bad(
            f"{host} answers, and not with TLS: does the address begin with http, or has it another port?"
        )
    refused = errno.ECONNREFUSED  # of a name with several addresses it stands in the text alone
    if getattr(error, "errno", None) == refused or f"[Errno {refused}]" in str(error):
        return _bad(
            f"Nothing listens at {host}: start the reverse proxy, or the tunnel, that leads to this machine."
        )
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError):
        return _bad(f"{host} takes the connection and ends it without an answer: does it want https?")
    if isinstance(error, aiohttp.ClientResponseError):
        return _bad(f"What answers at {host} does not speak HTTP: is it the right port?")
    return _unsure(f"{host} cannot be asked from this machine ({type(error).__name__}).")


def _fault_of(error: aiohttp.ClientConnectorCertificateError) -> str:
    why = str(getattr(error.certificate_error, "verify_message", ""))
    if "expired" in why:
        return "it has expired."
    if "mismatch" in why or "not valid for" in why:
        return "it is for another name."
    if "self" in why or "issuer" in why:
        return "nobody whom vendors trust has signed it. Caddy gets a good one by itself."
    return f"{why or 'it cannot be verified'}."


def _proof_in(body: str) -> str | None:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    proof = told.get("presszero") if isinstance(told, dict) else None
    return proof if isinstance(proof, str) else None


def _host(public_url: str) -> str:
    parts = urlsplit(public_url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _bad(sentence: str) -> Reach:
    return Reach(False, sentence)


def _unsure(sentence: str) -> Reach:
    return Reach(False, sentence, sure=False)
