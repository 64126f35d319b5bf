"""Listens, until it is told to end; what is begun is finished."""

from __future__ import annotations

from collections.abc import Callable

from pellucid import extras
from pellucid.request import Serve

GRACE_S = 30
"""seconds that requests have to end"""


def serve(request: Serve, progress: Callable[[str], object] = lambda text: None) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        request: where and how.
        progress: told the address once it listens.

    Raises:
        MissingExtra: when Starlette or uvicorn is not installed.
        OSError: when the address cannot be had.
        ValueError: for a method or model that cannot be used.
    """
    extras.need("serve", "The service", "starlette", "uvicorn")
    import signal
    import socket

    import uvicorn

    from pellucid.production.serve.app import build

    app = build(request)
    listener = socket.create_server((request.host, request.port), backlog=128)
    host, port = listener.getsockname()[:2]
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=GRACE_S,
        limit_concurrency=256,
        h11_max_incomplete_event_size=2**14,
        lifespan="off",
        ws="none",
    )
    progress(f"http://{host}:{port}/denoise takes pictures by POST; /health, /metrics; Ctrl-C ends it")
    # uvicorn ends what is begun, then raises the signal once more for whoever asked before it: that is us
    earlier = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
        app.work.close()
        listener.close()
