"""FastAGI lines: parsed strictly, quoted so that no value can carry a second command."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.agi import (
    AgiRefused,
    AgiReply,
    AgiRequest,
    BadAgi,
    CallerHungUp,
    parse_header_line,
    parse_reply,
    quote,
)

pytestmark = pytest.mark.unit


def test_it_reads_header_lines() -> None:
    assert parse_header_line("agi_callerid: +12125550123") == ("agi_callerid", "+12125550123")
    assert parse_header_line("agi_accountcode: ") == ("agi_accountcode", "")


@pytest.mark.parametrize("line", ["GET / HTTP/1.1", "agi_x", "\x16\x03\x01", "AGI_x: y", "x: y"])
def test_it_refuses_what_is_no_header_line(line: str) -> None:
    with pytest.raises(BadAgi):
        parse_header_line(line)


def test_it_knows_the_script_and_takes_unknown_for_nothing() -> None:
    request = AgiRequest({"agi_network_script": "/after-bot?x=1", "agi_callerid": "unknown"})
    assert (request.script, request.get("agi_callerid"), request.get("agi_none")) == ("after-bot", "", "")


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("200 result=0", AgiReply(200, 0, None)),
        ("200 result=-1", AgiReply(200, -1, None)),
        ("200 result=49 endpos=8000", AgiReply(200, 49, None)),
        ("200 result=1 (pz-1.1)", AgiReply(200, 1, "pz-1.1")),
        ("200 result=1 (a (b) c)", AgiReply(200, 1, "a (b) c")),
        ("200 result=1 ()", AgiReply(200, 1, "")),
        ("200 result=0 (timeout)", AgiReply(200, 0, "timeout")),
    ],
)
def test_it_reads_replies(line: str, reply: AgiReply) -> None:
    assert parse_reply(line) == reply


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("510 Invalid or unknown command", AgiRefused),
        ("520 End of proper usage.", AgiRefused),
        ("511 Command Not Permitted on a dead channel or intercept routine", CallerHungUp),
        ("200 nothing", BadAgi),
        ("", BadAgi),
        ("hello", BadAgi),
    ],
)
def test_it_names_replies_that_are_no_success(line: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_reply(line)


@given(st.text())
def test_it_quotes_so_that_asterisk_reads_back_the_same_or_refuses(text: str) -> None:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        with pytest.raises(ValueError, match="control character"):
            quote(text)
        return
    assert as_asterisk_reads(quote(text)) == [text]


def as_asterisk_reads(line: str) -> list[str]:
    """`parse_args` of res_agi.c: a backslash takes the next character as it is, quotes keep spaces."""
    arguments, current, quoted, escaped = [], "", False, False
    for character in line:
        if escaped:
            current, escaped = current + character, False
        elif character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character in " \t" and not quoted:
            arguments.append(current)
            current = ""
        else:
            current += character
    return [*arguments, current]
