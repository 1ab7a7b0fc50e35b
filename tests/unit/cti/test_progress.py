"""What takes long at the service's start is seen in its log."""

import pytest
from structlog.testing import capture_logs

from cti.progress import progress_lines

pytestmark = pytest.mark.unit


def test_a_line_says_what_has_begun_and_one_every_ten_seconds_that_it_goes_on():
    now = 0.0
    report = progress_lines(lambda: now)
    with capture_logs() as lines:
        for done in range(78):
            now = done * 0.5
            report("Speaking the prompts", done, 77)
    assert [(line["event"], line["done"], line["of"]) for line in lines] == [
        ("Speaking the prompts", done, 77) for done in (0, 20, 40, 60)
    ]


def test_what_was_there_already_makes_no_line():
    report = progress_lines(lambda: 0.0)
    with capture_logs() as lines:
        report("Speaking the prompts", 77, 77)
    assert lines == []
