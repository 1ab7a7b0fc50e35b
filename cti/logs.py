"""Where log lines go and in which form. No phone number, transcript or secret may be given to a logger."""

import logging
import sys

import structlog


def configure(form: str) -> None:
    """`console` for eyes, `json` for collectors, `silent` for errors only (the demo tells its own story)."""
    level = logging.ERROR if form == "silent" else logging.INFO
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        # Plain tracebacks: the pretty ones print local variables, and those hold numbers and names.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    # It puts into the log, with a traceback, whatever a stranger sends that is no HTTP. What fails in our own
    # handlers is told by `web.problems`.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
