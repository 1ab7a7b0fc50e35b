"""What virtual PBXs tell, well signed and then spoilt: what is taken must be told, kept and replayed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cti.virtual_pbx.contract import Hook, Refused, VirtualPbx
from cti.virtual_pbx.intake import fact_line
from cti.virtual_pbx.vendors.mango.records import past_facts
from cti.virtual_pbx.vendors.mango.signature import JSON, KEY, SIGN, sign
from tests.fakes.virtual_pbx import START, adapter_of
from tests.fuzz.mutate import Mutator
from tests.fuzz.runner import Feed, Target
from tickets.call import replay
from tickets.facts import Fact
from tickets.rows import event_row, storable

REMEMBERED = 20  # facts of earlier inputs, taken for the same call's
_FIXTURES = Path(__file__).parents[1] / "fakes" / "virtual_pbx" / "mango"
_TOLD = tuple(
    f"{path}\n{json.dumps(told)}".encode()
    for file in sorted(_FIXTURES.glob("*.json"))
    for path, told in json.loads(file.read_text())["hooks"]
)


@contextmanager
def _mango() -> Iterator[Feed]:
    adapter, facts = adapter_of("mango"), list[Fact]()
    key = adapter.settings.api_key.get_secret_value()
    salt = adapter.settings.secrets[0].value.get_secret_value()

    def feed(data: bytes, mutator: Mutator) -> None:
        path, _, told = data.partition(b"\n")
        text = told.decode("utf-8", "replace")
        form = {KEY: key, SIGN: sign(key, text, salt), JSON: text}
        hook = Hook("POST", f"/{path.decode('utf-8', 'replace')}", "", {}, urlencode(form).encode(), "")
        taken = adapter.take(hook, START)
        facts.extend(replace(fact, call_id="mango-1") for fact in taken.facts)
        del facts[:-REMEMBERED]
        _tell(adapter, facts)

    yield feed


@contextmanager
def _statistics() -> Iterator[Feed]:
    adapter = adapter_of("mango")

    def feed(data: bytes, mutator: Mutator) -> None:
        for fact in past_facts("mango", data.decode("utf-8", "replace"), START + timedelta(hours=2)):
            _tell(adapter, [fact])

    yield feed


def _tell(adapter: VirtualPbx[Any], facts: list[Fact]) -> None:
    if not facts:
        return
    told = adapter.tell(facts)
    adapter.tapes(facts)
    for fact in facts:
        fact_line(fact)
    for event in told:
        event_row(storable(event))
    if told:
        replay(told)


PBXS = (
    Target("Mango's webhooks", _TOLD, (b'"from":{', b'"timestamp":1772443800', b"null", b"1e400", b"\\ud800"),
           60_000, _mango, (Refused,)),
    Target("Mango's statistics", ((_FIXTURES / "statistics.csv").read_bytes(),), (b";", b"\n", b"[", b"1e9"),
           20_000, _statistics),
)  # fmt: skip
