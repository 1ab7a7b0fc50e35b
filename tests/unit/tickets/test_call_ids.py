"""Whose call it is stands in its id, and in one spelling."""

import pytest

from cti.virtual_pbx.registry import VENDORS
from tickets.call_ids import neutral_id, vendor_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_call_of_each_vendor_is_known_by_its_id(vendor: str) -> None:
    assert vendor_of(neutral_id(vendor, "+1 (202) 555-0143 / \ud800")) == vendor


@pytest.mark.parametrize(
    "call_id", ["pz-1763750000.12", "1763750000.12", "mango-1", "", neutral_id("mango", "a") + "\n"]
)
def test_every_other_call_is_nobodys(call_id: str) -> None:
    assert vendor_of(call_id) is None
