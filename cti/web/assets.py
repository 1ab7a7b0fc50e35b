"""The pages' own files: style, scripts, pictures. Read at start, named by their content, cached for good.

The scripts are made from `cti/web/page` by `scripts/build-pages` and lie in `static/built`.
"""

import hashlib
from pathlib import Path

from aiohttp import web

from cti.web.problems import not_found

FOLDER = Path(__file__).parent / "static"
NAMED_BY_CONTENT = "built/chunk-"  # scripts that scripts import: their names change with what is in them
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class PagesNotBuilt(Exception):
    """The pages' scripts are missing; the message says what to do."""


class Assets:
    """The files by their path in the folder: `desk.css`, `built/live.js`."""

    def __init__(self, folder: Path = FOLDER) -> None:
        if not (folder / "built").is_dir():
            raise PagesNotBuilt("The pages' scripts are not built: run `scripts/build-pages`.")
        self._files = {
            file.relative_to(folder).as_posix(): file.read_bytes()
            for file in folder.rglob("*")
            if file.suffix in TYPES
        }
        self._marks = {name: hashlib.sha256(body).hexdigest()[:12] for name, body in self._files.items()}

    def url(self, name: str) -> str:
        """Where a page finds a file: a new release has a new address, so browsers keep no old ones."""
        return f"/static/{name}?v={self._marks[name]}"

    async def serve(self, request: web.Request) -> web.Response:
        """The handler of `/static/{name}`."""
        name = request.match_info["name"]
        if name not in self._files:
            raise not_found("such file")
        kept = (
            "public, max-age=31536000, immutable"
            if request.query.get("v") == self._marks[name] or name.startswith(NAMED_BY_CONTENT)
            else "no-cache"
        )
        return web.Response(
            body=self._files[name],
            content_type=TYPES[Path(name).suffix],
            charset="utf-8",
            headers={"Cache-Control": kept},
        )
