import logging

import pytest
import structlog

from cti import logs

pytestmark = pytest.mark.unit


def test_what_strangers_send_to_the_http_port_is_not_logged(capfd: pytest.CaptureFixture[str]):
    logs.configure("console")
    server = logging.getLogger("aiohttp.server")
    try:
        server.exception(
            "Error handling request from 203.0.113.9", exc_info=ValueError("GET /?q=+12025550123")
        )
        assert capfd.readouterr().err == ""
    finally:
        server.setLevel(logging.NOTSET)
        structlog.reset_defaults()  # the stream that was captured here ends with this test
