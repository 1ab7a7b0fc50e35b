"""Certificates of one's own: what TLS really thinks of them."""

import socket
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from cti.certificates import BadHost, NoCertificate, TlsFiles, files_in, first_host, make_certificate

pytestmark = pytest.mark.unit

NOW = datetime.now(UTC)
HOSTS = ["pbx.local", "127.0.0.1"]


def shake_hands(server: TlsFiles, authority: Path, host: str) -> None:
    """TLS between two ends of a socket; raises what the client thinks."""
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(server.certificate, server.key)
    theirs = ssl.create_default_context(cafile=str(authority))
    near, far = socket.socketpair()
    with near, far:
        far.settimeout(10)
        near.settimeout(10)

        def serve() -> None:
            try:
                ours.wrap_socket(far, server_side=True).close()
            except (ssl.SSLError, OSError):
                far.close()

        serving = threading.Thread(target=serve)
        serving.start()
        try:
            theirs.wrap_socket(near, server_hostname=host).close()
        finally:
            near.close()
            serving.join(10)


@pytest.mark.parametrize(
    ("hosts", "host"), [(HOSTS, "pbx.local"), (HOSTS, "127.0.0.1"), (["10.0.0.1"], "10.0.0.1")]
)
def test_who_trusts_the_authority_trusts_each_host(tmp_path: Path, hosts: list[str], host: str) -> None:
    made = make_certificate(tmp_path, hosts, NOW)
    shake_hands(made.server, made.authority, host)


@pytest.mark.parametrize(("hosts", "other"), [(HOSTS, "evil.example"), (HOSTS, "127.0.0.2")])
def test_it_is_no_other_host(tmp_path: Path, hosts: list[str], other: str) -> None:
    made = make_certificate(tmp_path, hosts, NOW)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(made.server, made.authority, other)


@pytest.mark.parametrize(
    ("hosts", "other"),
    [(["pbx.local"], "bank.example"), (["pbx.local"], "10.0.0.1"), (["10.0.0.1"], "bank.example")],
)
def test_its_authority_vouches_for_nobody_else_even_if_its_key_is_stolen(
    tmp_path: Path, hosts: list[str], other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_certificate(tmp_path, hosts, NOW)
    own = made.authority.read_bytes()
    # The thief has authority and key, and does not ask what it may vouch for.
    from cti import certificates

    known = certificates._known_authority(tmp_path, [certificates._name(hosts[0])], NOW)
    monkeypatch.setattr(certificates, "_known_authority", lambda *_: known)
    forged = make_certificate(tmp_path, [other], NOW)
    assert forged.authority.read_bytes() == own
    with pytest.raises(ssl.SSLCertVerificationError, match=r"permitted|excluded"):
        shake_hands(forged.server, forged.authority, other)


def test_browsers_that_trust_it_trust_its_next_certificate_too(tmp_path: Path) -> None:
    first = make_certificate(tmp_path, HOSTS, NOW)
    authority, server = first.authority.read_bytes(), first.server.certificate.read_bytes()
    again = make_certificate(tmp_path, HOSTS[:1], NOW + timedelta(days=300))
    assert again.authority.read_bytes() == authority
    assert again.server.certificate.read_bytes() != server


def test_for_other_hosts_there_is_another_authority(tmp_path: Path) -> None:
    authority = make_certificate(tmp_path, HOSTS, NOW).authority.read_bytes()
    assert make_certificate(tmp_path, ["other.local"], NOW).authority.read_bytes() != authority


def test_keys_are_for_this_user_alone(tmp_path: Path) -> None:
    made = make_certificate(tmp_path / "tls", HOSTS, NOW)
    for file in (made.server.key, tmp_path / "tls" / "authority-key.pem"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_no_browser_refuses_it_for_its_length(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, HOSTS, NOW)
    found = x509.load_pem_x509_certificate(made.server.certificate.read_bytes())
    assert found.not_valid_after_utc - found.not_valid_before_utc <= timedelta(days=398)


def test_addresses_are_made_of_its_first_host(tmp_path: Path) -> None:
    assert files_in(tmp_path) is None
    for hosts, first in ((HOSTS, "pbx.local"), (["::1"], "[::1]"), (["10.0.0.1"], "10.0.0.1")):
        made = make_certificate(tmp_path, hosts, NOW)
        assert files_in(tmp_path) == made.server
        assert first_host(made.server.certificate) == first


@pytest.mark.parametrize(
    "host", ["", "a b", "-x.local", "pbx.local/", "https://pbx.local", "x" * 64, "*.local"]
)
def test_what_is_no_host_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(BadHost):
        make_certificate(tmp_path, [host], NOW)


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_text("nothing")
    with pytest.raises(NoCertificate, match=r"server\.pem"):
        first_host(tmp_path / "server.pem")
