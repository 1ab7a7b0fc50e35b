"""All parsers and doors by name, and how to feed one of them in another process."""

import logging

import structlog

from tests.fuzz import runner
from tests.fuzz.doors import DOORS
from tests.fuzz.parsers import TARGETS
from tests.fuzz.runner import Found
from tests.fuzz.virtual_pbx import PBXS

ALL = {target.name: target for target in (*TARGETS, *DOORS, *PBXS)}


def keep_quiet() -> None:
    """Only what is critical is told: the parsers say in the log what they refuse, and here that is most."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.ERROR)


def feed_one(name: str, inputs: int, number: int) -> Found:
    """Feed one parser; at the top of a module, so that another process finds it."""
    return runner.run(ALL[name], inputs, number)
