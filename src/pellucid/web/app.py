"""The application: what the page asks for, as routes; heavy work is done in threads, one job at a time."""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import json
import secrets
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
from PIL import Image as Pillow
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from pellucid import __version__, files
from pellucid.damage import marks
from pellucid.web import work
from pellucid.web.sessions import Limits, Refused, Session, Sessions, Upload, all_of

PAGES = {"/": "index.html", "/app.js": "app.js", "/view.js": "view.js", "/style.css": "style.css"}
KINDS = {"html": "text/html", "js": "text/javascript", "css": "text/css"}
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
HELD = 2.0
"""megapixels of all pictures of a session, in multiples of those of the largest one"""
ASKED = ("effort", "method", "document", "sensitivity", "damage", "keep_brightness")
"""what the page may ask of a verb; files of this machine are not among it"""

Answer = Callable[[Request], Awaitable[Response]]


def application(
    limits: Limits | None = None, *, hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
) -> Starlette:
    """The application.

    Args:
        limits: what a session may take.
        hosts: names by which it may be asked, so that no page of the web reaches it by a name of its own.
    """
    limits = Limits() if limits is None else limits

    @contextlib.asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        app.state.sessions, app.state.pool = Sessions(limits), ThreadPoolExecutor(1)
        threading.Thread(target=work.warm, daemon=True).start()
        try:
            yield
        finally:
            app.state.sessions.close()
            app.state.pool.shutdown(wait=False, cancel_futures=True)

    routes = [Route(path, _page(name)) for path, name in PAGES.items()]
    routes += [
        Route("/api/session", answered(_begin, alone=True), methods=["POST"]),
        Route("/api/end", answered(_end, alone=True), methods=["POST"]),
        Route("/api/pictures", answered(_add), methods=["POST"]),
        Route("/api/pictures/{picture}", answered(_remove), methods=["DELETE"]),
        Route("/api/pictures/{picture}/overview", answered(_overview)),
        Route("/api/pictures/{picture}/diagnosis", answered(_diagnosis)),
        Route("/api/pictures/{picture}/preview", answered(_preview), methods=["POST"]),
        Route("/api/pictures/{picture}/marks", answered(_marks), methods=["POST"]),
        Route("/api/pictures/{picture}/run", answered(_run), methods=["POST"]),
        Route("/api/pictures/{picture}/part", answered(_part), methods=["POST"]),
        Route("/api/pictures/{picture}/result", answered(_result)),
        Route("/api/jobs/{job}", answered(_job)),
        Route("/api/jobs/{job}/cancel", answered(_cancel), methods=["POST"]),
    ]
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    return Starlette(routes=routes, lifespan=life, middleware=[guard])


def _page(name: str) -> Answer:
    """A file of the page, by a fixed name."""

    async def answer(request: Request) -> Response:
        text = (resources.files("pellucid.web") / "static" / name).read_text(encoding="utf-8")
        text = text.replace("{{version}}", __version__)
        return Response(text, media_type=KINDS[name.rsplit(".", 1)[1]], headers=HEADERS)

    return answer


def answered(act: Callable[..., Awaitable[Response]], *, alone: bool = False) -> Answer:
    """A route that finds its session, and tells what is wrong in one sentence of JSON.

    Args:
        act: given the request and the session.
        alone: whether it is given the request only.
    """

    async def answer(request: Request) -> Response:
        try:
            origin = request.headers.get("origin")
            if origin is not None and origin.split("://")[-1] != request.headers.get("host"):
                raise Refused(403, "Only the page itself may ask for this.")
            if alone:
                response = await act(request)
            else:
                key = request.headers.get("x-session", "")
                response = await act(request, request.app.state.sessions.of(key))
        except Refused as refused:
            response = JSONResponse({"error": refused.words}, refused.status)
        except (ValueError, TypeError, ArithmeticError, OSError, ImportError, MemoryError) as error:
            response = JSONResponse({"error": " ".join(str(error).split()) or type(error).__name__}, 422)
        response.headers.update(HEADERS)
        return response

    return answer


async def _begin(request: Request) -> Response:
    sessions = request.app.state.sessions
    limits: Limits = sessions.limits
    session = sessions.begin()
    return JSONResponse({"session": session.key, "megabytes": limits.megabytes, "side": work.SIDE})


async def _end(request: Request) -> Response:
    """The page was closed; it can say so in the body only."""
    request.app.state.sessions.end((await _small(request)).decode("utf-8", "replace").strip())
    return Response(status_code=204)


async def _add(request: Request, session: Session) -> Response:
    """A picture: the bytes are the body, its name is in a header."""
    sessions: Sessions = request.app.state.sessions
    upload = sessions.place(session, unquote(request.headers.get("x-name", "picture")))
    try:
        await _received(request, upload, sessions.limits.megabytes)
        upload.image = await run_in_threadpool(_read, upload, sessions.limits.megapixels)
        held = sum(_pixels(other.image) for other in all_of(session)) + _pixels(upload.image)
        if held > HELD * sessions.limits.megapixels * 1e6:
            raise Refused(413, "The pictures of this session are too large together. Remove some first.")
    except BaseException:
        upload.path.unlink(missing_ok=True)
        raise
    key = secrets.token_urlsafe(9)
    with session.lock:
        session.uploads[key] = upload
    slices, channels, height, width = upload.image.pixels.shape
    return JSONResponse(
        {
            "picture": key,
            "name": upload.name,
            "height": height,
            "width": width,
            "slices": slices,
            "channels": channels,
            "type": upload.image.dtype,
            "notes": list(upload.image.notes),
        }
    )


async def _received(request: Request, upload: Upload, megabytes: float) -> None:
    """Write the body to the file, and stop where it is too large."""
    most = int(megabytes * 1e6)
    too_large = Refused(413, f"The file is larger than {megabytes:g} MB. Use the command line for it.")
    if int(request.headers.get("content-length") or 0) > most:
        raise too_large
    with upload.path.open("wb") as file:
        async for chunk in request.stream():
            upload.size += len(chunk)
            if upload.size > most:
                raise too_large
            await run_in_threadpool(file.write, chunk)
    if upload.size == 0:
        raise Refused(422, "The file is empty.")


def _read(upload: Upload, megapixels: float) -> Any:
    """The picture, by what its file holds; named as the person knows it."""
    try:
        image = files.read(upload.path)
    except (ValueError, OSError, ImportError) as error:
        words = " ".join(str(error).split()).replace(str(upload.path), upload.name)
        raise Refused(422, words.replace(upload.path.name, upload.name)) from None
    if _pixels(image) > megapixels * 1e6:
        raise Refused(
            413, f"The picture has more than {megapixels:g} megapixels. Use the command line for it."
        )
    return image


def _pixels(image: Any) -> int:
    """Of all slices."""
    slices, _, height, width = image.pixels.shape
    return int(slices * height * width)


async def _remove(request: Request, session: Session) -> Response:
    upload = session.upload(request.path_params["picture"])
    with session.lock:
        session.uploads.pop(request.path_params["picture"], None)
    for path in upload.path.parent.glob(f"{upload.path.stem}*"):
        path.unlink(missing_ok=True)
    return Response(status_code=204)


async def _overview(request: Request, session: Session) -> Response:
    image = session.upload(request.path_params["picture"]).image
    content, factor = await run_in_threadpool(work.overview, image, _slice(request.query_params, image))
    return Response(content, media_type="image/png", headers={"X-Factor": str(factor)})


async def _diagnosis(request: Request, session: Session) -> Response:
    image = session.upload(request.path_params["picture"]).image
    return JSONResponse(await run_in_threadpool(work.diagnosis, image))


async def _preview(request: Request, session: Session) -> Response:
    """A part of the input before and after, at the effort quick if none is named."""
    image, given = session.upload(request.path_params["picture"]).image, await _json(request)
    asked = {name: given[name] for name in ("effort", "method") if name in given}
    return JSONResponse(
        await run_in_threadpool(work.preview, image, _box(given, image), asked, _slice(given, image))
    )


async def _part(request: Request, session: Session) -> Response:
    """A part of what was made of the whole picture, for the same view."""
    upload, given = session.upload(request.path_params["picture"]), await _json(request)
    if upload.made is None:
        raise Refused(409, "Nothing has been made of this picture yet.")
    box = _box(given, upload.image)
    return JSONResponse(
        await run_in_threadpool(work.made_part, upload.image, upload.made, box, _slice(given, upload.image))
    )


async def _marks(request: Request, session: Session) -> Response:
    """The damage that is found, as a mask."""
    image, given = session.upload(request.path_params["picture"]).image, await _json(request)
    found = await run_in_threadpool(
        marks.find, image.pixels[_slice(given, image)], sensitivity=float(given.get("sensitivity", 0.5))
    )
    content = work.png(found.mask.astype(np.uint8) * np.uint8(255))
    return Response(content, media_type="image/png", headers={"X-Words": found.words})


async def _run(request: Request, session: Session) -> Response:
    """Begin a job on a whole picture; a painted mask comes as a PNG in text."""
    upload, given = session.upload(request.path_params["picture"]), await _json(request)
    asked = {name: given[name] for name in ASKED if name in given}
    if given.get("mask"):
        asked["mask"] = _mask(str(given["mask"]), upload.image)
        asked["white"] = "missing"

    def do(tell: Any) -> dict[str, Any]:
        for other in all_of(session):
            other.made = None  # of one picture at a time is kept what the sliders need
        upload.made = work.made(upload.image, str(given.get("verb", "denoise")), asked, tell)
        return work.told(upload.made)

    job, key = work.Job(do), secrets.token_urlsafe(9)
    with session.lock:
        session.jobs[key] = job
    request.app.state.pool.submit(job.run)
    return JSONResponse({"job": key})


async def _job(request: Request, session: Session) -> Response:
    job = session.job(request.path_params["job"])
    return JSONResponse({"state": job.state, **job.told})


async def _cancel(request: Request, session: Session) -> Response:
    session.job(request.path_params["job"]).cancel()
    return Response(status_code=204)


async def _result(request: Request, session: Session) -> Response:
    """The file, at the strength and detail of the sliders."""
    upload = session.upload(request.path_params["picture"])
    if upload.made is None:
        raise Refused(409, "Nothing has been made of this picture yet.")
    wishes = (_share(request.query_params.get(name, base)) for name, base in (("strength", 1), ("detail", 0)))
    path, name = await run_in_threadpool(work.written, upload, upload.made, *wishes)
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    return FileResponse(path, headers={"Content-Disposition": disposition, "X-Name": quote(name)})


def _share(text: Any) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"strength and detail must be from 0 to 1, got {value:g}.")
    return value


def _slice(given: Mapping[str, Any], image: Any) -> int:
    index = int(given.get("slice", 0))
    if not 0 <= index < len(image.pixels):
        raise ValueError(f"slice must be from 0 to {len(image.pixels) - 1}, got {index}.")
    return index


def _box(given: Mapping[str, Any], image: Any) -> tuple[int, int, int, int]:
    """Top, left, height and width, within the picture and no larger than a preview."""
    height, width = image.pixels.shape[-2:]
    rows, columns = (
        max(1, min(int(given[n]), work.SIDE, side)) for n, side in (("height", height), ("width", width))
    )
    top, left = (
        max(0, min(int(given["top"]), height - rows)),
        max(0, min(int(given["left"]), width - columns)),
    )
    return top, left, rows, columns


def _mask(text: str, image: Any) -> Any:
    """What was painted, (H, W) of 0 and 255."""
    try:
        with Pillow.open(io.BytesIO(base64.b64decode(text.split(",")[-1])), formats=["PNG"]) as file:
            if (file.height, file.width) != image.pixels.shape[-2:]:
                raise ValueError(
                    f"the mask must be as large as the picture, got {file.width} x {file.height}."
                )
            return np.where(np.asarray(file.convert("L")) > 127, np.uint8(255), np.uint8(0))
    except (OSError, binascii.Error):
        raise ValueError("the mask must be a PNG in base64.") from None


async def _json(request: Request) -> dict[str, Any]:
    """The body as a JSON object."""
    body = await _small(request, most=64_000_000)
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        raise Refused(400, "The request is no JSON.") from None
    if not isinstance(given, dict):
        raise Refused(400, "The request must be a JSON object.")
    return given


async def _small(request: Request, most: int = 4096) -> bytes:
    """A body of bounded size."""
    found = b""
    async for chunk in request.stream():
        found += chunk
        if len(found) > most:
            raise Refused(413, "The request is too large.")
    return found
