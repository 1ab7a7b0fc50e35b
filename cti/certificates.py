"""A certificate for a contact centre in a local network, and the small authority that vouches for it.

Browsers give the microphone to pages over https only. For a house with a name in the DNS a public authority
is better (`docs/desk-phones.md`); this one is for a demo, a test, or a network of one's own. Knows files and
cryptography; nothing of what is served.
"""

import ipaddress
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_FOR = timedelta(days=3650)
SERVER_FOR = timedelta(days=397)  # no browser takes a longer one
_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})*")


class BadHost(Exception):
    """That is no host's name and no address; the message says what to write."""


class NoCertificate(Exception):
    """A certificate cannot be read; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of a server."""

    certificate: Path  # with those that vouch for it
    key: Path


@dataclass(frozen=True, slots=True)
class Made:
    """What was made."""

    server: TlsFiles
    authority: Path  # browsers have to trust this one


def files_in(folder: Path) -> TlsFiles | None:
    """The server's files that `make_certificate` has left there; None: it has not."""
    files = TlsFiles(folder / "server.pem", folder / "server-key.pem")
    return files if files.certificate.exists() and files.key.exists() else None


def make_certificate(folder: Path, hosts: Sequence[str], now: datetime) -> Made:
    """A certificate for these hosts, by the authority of before if it may vouch for them, else by a new one.

    The authority may vouch for these hosts and no others: with its key nobody can pass for another site.

    Raises:
        BadHost: none, or one that cannot be.
    """
    names = [_name(host) for host in hosts]
    if not names:
        raise BadHost("Name at least one host, as in `presszero certificate pbx.local 192.168.1.10`.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority, authority_key = _known_authority(folder, names, now) or _new_authority(folder, names, now)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        # With a blank: what looks like a host here would be held against the authority's constraints.
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "PressZero server")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))  # clocks differ
        .not_valid_after(now + SERVER_FOR)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, SHA256())
    )
    server = TlsFiles(folder / "server.pem", folder / "server-key.pem")
    _write(server.key, _private(key))
    _write(server.certificate, _public(certificate) + _public(authority))
    return Made(server, folder / "authority.pem")


def first_host(certificate: Path) -> str:
    """The first host that a certificate names, as it stands in an address.

    Raises:
        NoCertificate
    """
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        names = list(found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except (OSError, ValueError, x509.ExtensionNotFound) as error:
        raise NoCertificate(
            f"The certificate {certificate} cannot be read or names no host: correct "
            "PRESSZERO_TLS_CERTIFICATE, or make one with `presszero certificate HOST`."
        ) from error
    first = names[0].value
    return f"[{first}]" if isinstance(first, ipaddress.IPv6Address) else str(first)


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        if not _HOST.fullmatch(host) or len(host) > 253:
            raise BadHost(f"{host!r} is no host: write a name such as pbx.local, or an IP address.") from None
        return x509.DNSName(host.lower())


def _permitted(names: Sequence[x509.GeneralName]) -> x509.NameConstraints:
    subtrees: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_network(name.value)) if isinstance(name, x509.IPAddress) else name
        for name in names
    ]
    kinds = {type(name) for name in names}
    # A kind that is not named would be permitted altogether.
    excluded: list[x509.GeneralName] = []
    if x509.IPAddress not in kinds:
        excluded = [x509.IPAddress(ipaddress.ip_network(all_of)) for all_of in ("0.0.0.0/0", "::/0")]
    if x509.DNSName not in kinds:
        excluded = [x509.DNSName("")]
    return x509.NameConstraints(subtrees, excluded or None)


def _known_authority(
    folder: Path, names: Sequence[x509.GeneralName], now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    try:
        authority = x509.load_pem_x509_certificate((folder / "authority.pem").read_bytes())
        key = load_pem_private_key((folder / "authority-key.pem").read_bytes(), None)
        constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return None
    lasts = authority.not_valid_after_utc > now + SERVER_FOR
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not lasts:
        return None
    permitted = set(constraints.permitted_subtrees or ())
    return (authority, key) if set(_permitted(names).permitted_subtrees or ()) <= permitted else None


def _new_authority(
    folder: Path, names: Sequence[x509.GeneralName], now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"PressZero, made {now:%Y-%m-%d %H:%M}")])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    authority = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + AUTHORITY_FOR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(_permitted(names), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    _write(folder / "authority-key.pem", _private(key))
    _write(folder / "authority.pem", _public(authority))
    return authority, key


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all, and for this user alone."""
    made = file.with_suffix(".new")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(content)
    made.replace(file)
