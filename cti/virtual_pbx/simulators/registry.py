"""The simulators we have, one line each."""

from importlib import import_module
from typing import Any

from cti.virtual_pbx.simulators.port import Simulator

SIMULATORS = {
    "generic": "cti.virtual_pbx.simulators.generic:GenericSimulator",
    "mango": "cti.virtual_pbx.simulators.mango:MangoSimulator",
    "twilio": "cti.virtual_pbx.simulators.twilio:TwilioSimulator",
    "zadarma": "cti.virtual_pbx.simulators.zadarma:ZadarmaSimulator",
}


def simulator(vendor: str) -> Simulator[Any]:
    """A vendor's simulator, by its name in `SIMULATORS`."""
    module, _, of = SIMULATORS[vendor].partition(":")
    made: Simulator[Any] = getattr(import_module(module), of)()
    return made
