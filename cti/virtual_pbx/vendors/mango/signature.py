"""How Mango signs, both ways: a form of three fields, one of them JSON, taken to the letter. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

KEY, SIGN, JSON = "vpbx_api_key", "sign", "json"


def sign(api_key: str, text: str, salt: str) -> str:
    """The signature of that JSON text, in hexadecimal."""
    return hashlib.sha256(f"{api_key}{text}{salt}".encode("utf-8", "replace")).hexdigest()


def signed_form(api_key: str, salt: str, told: Mapping[str, Any]) -> bytes:
    """The body of a request that tells this."""
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return urlencode({KEY: api_key, SIGN: sign(api_key, text, salt), JSON: text}).encode()
