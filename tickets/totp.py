"""The second factor: time-based one-time passwords, RFC 6238, as every authenticator app makes them. Pure."""

import hmac
from datetime import datetime

import pyotp

STEP_S = 30
DIGITS = 6
_DRIFT = 1  # steps that a phone's clock may be off, either way


def new_secret() -> str:
    """Base32, 160 bits (RFC 4226, section 4: as long as the hash)."""
    return pyotp.random_base32(32)


def matching_step(secret: str, code: str, now: datetime, used: int | None) -> int | None:
    """The time step whose code this is; None when it is of none that may still be used.

    `used`: the step of the last code taken. It and all before it are spent, so that a code read over
    somebody's shoulder lets nobody in.
    """
    digits = "".join(code.split())
    maker = pyotp.TOTP(secret, digits=DIGITS, interval=STEP_S)
    present = int(now.timestamp()) // STEP_S
    for step in range(present - _DRIFT, present + _DRIFT + 1):
        same = hmac.compare_digest(maker.generate_otp(step).encode(), digits.encode("utf-8", "replace"))
        if same and (used is None or step > used):
            return step
    return None


def address(secret: str, login: str, house: str) -> str:
    """What the square for an authenticator app says (an `otpauth` URI)."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_S).provisioning_uri(name=login, issuer_name=house)
