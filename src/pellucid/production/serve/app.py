"""The service as an ASGI application: what a request may say, and what it is answered."""

from __future__ import annotations

import asyncio
import time
from pathlib import PurePosixPath
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pellucid import files
from pellucid.production.serve.work import FORMATS, SUFFIX, BusyError, PictureError, Work
from pellucid.request import Serve
from pellucid.values import convert

ASKED = {"sigma": float, "data_range": float, "strength": float, "detail": float, "seed": int}
"""what a request may change by its query, beside the format"""
TYPES = {"image/png": ".png", "image/jpeg": ".jpg", "image/tiff": ".tif", "image/webp": ".webp"}
PLACES = "POST a picture to /denoise, or GET /health or /metrics"
PATIENCE = 4
"""times what a file may have that is read and thrown away, as who still sends does not hear the answer"""
CHUNKS_S = 30.0
"""seconds that a client may be silent while it sends"""


def build(request: Serve) -> Counted:
    """The application; its `work` is to be closed at the end.

    Args:
        request: how it serves.

    Raises:
        ValueError: for a method or model that cannot be used.
    """
    work = Work(request)

    async def denoised(asked: Request) -> Response:
        """POST /denoise: a file as the body; the clean one comes back."""
        began = time.monotonic()
        options, suffix = _options(asked)
        data = await _body(asked, request.most_mb * 2**20)
        try:
            future = work.submit(data, suffix, options)
        except BusyError as error:
            raise HTTPException(503, f"{error}: come again in a moment", {"Retry-After": "5"}) from error
        left = max(1.0, request.seconds - (time.monotonic() - began))
        try:
            answer = await asyncio.wait_for(asyncio.wrap_future(future), left)
        except TimeoutError as error:
            raise HTTPException(
                503, f"not done in {request.seconds:g} seconds", {"Retry-After": "60"}
            ) from error
        except asyncio.CancelledError as error:
            raise HTTPException(503, "the service ends") from error
        except PictureError as error:
            raise HTTPException(422, str(error)) from error
        return Response(answer.data, media_type=answer.media, headers=answer.told)

    async def health(asked: Request) -> Response:
        """GET /health: 200 while pictures are taken."""
        return JSONResponse({"status": "ok" if work.open else "ending"}, 200 if work.open else 503)

    async def metrics(asked: Request) -> Response:
        """GET /metrics: counts as text, as Prometheus reads them."""
        return PlainTextResponse(_metrics(work), media_type="text/plain; version=0.0.4")

    async def refused(asked: Request, error: Exception) -> Response:
        """One line of JSON for everything that is refused."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        text = error.detail if isinstance(error, HTTPException) else "an error of the service"
        if status in (404, 405):
            text = PLACES
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        return JSONResponse({"error": text}, status, headers | {"Connection": "close"})

    app = Starlette(
        routes=[
            Route("/denoise", denoised, methods=["POST"]),
            Route("/health", health),
            Route("/metrics", metrics),
        ],
        exception_handlers={HTTPException: refused, Exception: refused},
    )
    return Counted(app, work)


class Counted:
    """An application whose answers are counted.

    Args:
        app: the application.
        work: whose counts they are.
    """

    def __init__(self, app: Starlette, work: Work) -> None:
        self.app, self.work = app, work

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """An ASGI application."""

        async def counted(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.work.count(int(message["status"]))
            await send(message)

        await self.app(scope, receive, counted)


def _options(asked: Request) -> tuple[dict[str, Any], str]:
    """The options of a request, and the ending that says what its file may be.

    Of a name only the ending is looked at, and only where it is one that is known.

    Raises:
        HTTPException: 422 for an option that is unknown or wrong, 415 for a type that is not taken.
    """
    options: dict[str, Any] = {}
    query = dict(asked.query_params)
    name = query.pop("name", "")
    kind = asked.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        raise HTTPException(
            415, "the body must be the file itself, no form: curl --data-binary @photo.png, not -F"
        )
    suffix = PurePosixPath(name[-255:]).suffix.lower() or TYPES.get(kind, ".png")
    if suffix not in files.SUFFIXES:
        raise HTTPException(415, f"files of the ending {suffix[:12]!r} are not taken")
    same = next((form for form, end in SUFFIX.items() if end == suffix), "png")
    options["format"] = query.pop("format", same)
    if options["format"] not in FORMATS:
        raise HTTPException(422, f"format must be one of {', '.join(FORMATS)}")
    for key, text in query.items():
        if key not in ASKED:
            raise HTTPException(
                422, f"{key[:40]!r} is no option. There are {', '.join([*ASKED, 'format', 'name'])}"
            )
        try:
            options[key] = convert(key, ASKED[key], text[:40])
        except (ValueError, TypeError) as error:
            raise HTTPException(422, " ".join(str(error).split())) from error
    return options, suffix


async def _body(asked: Request, most: int) -> bytes:
    """The bytes that are sent, no more than may be; what is somewhat too large is read and forgotten.

    Raises:
        HTTPException: 413 for too many, 400 for none, 408 for a client that falls silent.
    """
    told = asked.headers.get("content-length", "")
    if told.isdigit() and int(told) > PATIENCE * most:
        raise HTTPException(413, f"a file may have {most >> 20} MB")
    data, count = bytearray(), 0
    stream = asked.stream().__aiter__()
    while True:
        try:
            chunk = await asyncio.wait_for(stream.__anext__(), CHUNKS_S)
        except StopAsyncIteration:
            break
        except TimeoutError as error:
            raise HTTPException(408, "the file did not come") from error
        except ClientDisconnect as error:
            raise HTTPException(400, "the file broke off") from error
        count += len(chunk)
        if count <= most:
            data += chunk
        elif count > PATIENCE * most:
            break
    if count > most:
        raise HTTPException(413, f"a file may have {most >> 20} MB")
    if not data:
        raise HTTPException(400, "the body must be a picture, and is empty")
    return bytes(data)


def _metrics(work: Work) -> str:
    """The counts as Prometheus reads them."""
    counts = work.counts
    lines = ["# TYPE pellucid_answers_total counter"]
    lines += [f'pellucid_answers_total{{status="{s}"}} {n}' for s, n in sorted(counts.answers.items())]
    for name, kind, value in (
        ("pictures_total", "counter", counts.pictures),
        ("seconds_total", "counter", round(counts.seconds, 3)),
        ("waiting", "gauge", counts.waiting),
        ("up_seconds", "gauge", round(time.monotonic() - counts.began, 1)),
    ):
        lines += [f"# TYPE pellucid_{name} {kind}", f"pellucid_{name} {value}"]
    return "\n".join(lines) + "\n"
