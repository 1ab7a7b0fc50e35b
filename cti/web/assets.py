"""The pages' own files: style, scripts, pictures. Read at start, named by their content, cached for good."""

import hashlib
from pathlib import Path

from aiohttp import web

from cti.web.problems import not_found

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Assets:
    """The files by name."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix in TYPES}
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
            if request.query.get("v") == self._marks[name]
            else "no-cache"
        )
        return web.Response(
            body=self._files[name],
            content_type=TYPES[Path(name).suffix],
            charset="utf-8",
            headers={"Cache-Control": kept},
        )
