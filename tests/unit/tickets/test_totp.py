"""The second factor's codes, with the vectors of RFC 6238."""

import base64
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from tickets import totp

pytestmark = pytest.mark.unit

SECRET = base64.b32encode(b"12345678901234567890").decode()  # of the RFC's appendix B
NOW = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)
STEP = int(NOW.timestamp()) // totp.STEP_S


@pytest.mark.parametrize(
    ("at", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_it_knows_the_codes_of_the_standard(at: int, code: str) -> None:
    now = datetime.fromtimestamp(at, UTC)
    assert totp.matching_step(SECRET, code, now, None) == at // 30


def test_it_takes_a_code_however_it_is_spaced() -> None:
    assert totp.matching_step(SECRET, " 287 082", datetime.fromtimestamp(59, UTC), None) == 1


@pytest.mark.parametrize(("off_by", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_it_forgives_a_clock_that_is_one_step_off(off_by: int, taken: bool) -> None:
    code = pyotp.TOTP(SECRET).at(NOW + timedelta(seconds=totp.STEP_S * off_by))
    assert (totp.matching_step(SECRET, code, NOW, None) is not None) is taken


def test_it_takes_no_code_twice_and_none_older_than_the_last() -> None:
    codes = {step: pyotp.TOTP(SECRET).generate_otp(step) for step in (STEP - 1, STEP, STEP + 1)}
    assert totp.matching_step(SECRET, codes[STEP], NOW, used=STEP) is None
    assert totp.matching_step(SECRET, codes[STEP - 1], NOW, used=STEP) is None
    assert totp.matching_step(SECRET, codes[STEP + 1], NOW, used=STEP) == STEP + 1


@pytest.mark.parametrize("code", ["", "28708", "2870820", "\0", "\ud800", "２８７０８２", "x" * 10_000])
def test_rubbish_is_no_code(code: str) -> None:
    assert totp.matching_step(SECRET, code, datetime.fromtimestamp(59, UTC), None) is None


def test_the_square_names_the_house_and_the_login() -> None:
    said = totp.address(totp.new_secret(), "grace", "Northern Lottery")
    assert pyotp.parse_uri(said).issuer == "Northern Lottery"
    assert pyotp.parse_uri(said).name == "grace"
