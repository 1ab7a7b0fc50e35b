"""The vendors we know, one line each."""

from importlib import import_module
from typing import Any

from cti.virtual_pbx.contract import VirtualPbx

VENDORS = {
    "generic": "cti.virtual_pbx.vendors.generic:GenericPush",
    "mango": "cti.virtual_pbx.vendors.mango:Mango",
    "twilio": "cti.virtual_pbx.vendors.twilio:TwilioVoice",
    "zadarma": "cti.virtual_pbx.vendors.zadarma.adapter:Zadarma",
}


def vendor_type(name: str) -> type[VirtualPbx[Any]]:
    """A vendor's adapter, by its name in `VENDORS`."""
    module, _, of = VENDORS[name].partition(":")
    found: type[VirtualPbx[Any]] = getattr(import_module(module), of)
    return found
