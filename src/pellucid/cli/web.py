"""`pellucid web`: serve the page on the loopback address until Ctrl-C."""

from __future__ import annotations

import socket
import sys
import threading
import webbrowser

from pellucid.cli import show
from pellucid.cli.options import USAGE
from pellucid.extras import need
from pellucid.request import Web

ADDRESS = "127.0.0.1"


def carry_out(asked: Web) -> int:
    """Serve; 2 when the port is taken or the extra is missing."""
    try:
        need("web", "The page")
        listening = socket.create_server((ADDRESS, asked.port))
    except ImportError as error:
        show.error(str(error))
        return USAGE
    except OSError as error:
        reason = error.strerror or str(error)
        show.error(f"port {asked.port} of {ADDRESS} cannot be used: {reason}. Name another with --port.")
        return USAGE
    import uvicorn

    from pellucid.web.app import application
    from pellucid.web.sessions import Limits

    limits = Limits(megabytes=asked.megabytes, megapixels=asked.megapixels)
    config = uvicorn.Config(
        application(limits), log_level="warning", access_log=False, timeout_graceful_shutdown=3
    )
    place = f"http://{ADDRESS}:{listening.getsockname()[1]}/"
    print(f"pellucid is at {place} (Ctrl-C ends it)", flush=True)
    if asked.open:
        threading.Timer(1.0, webbrowser.open, [place]).start()
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        pass
    finally:
        listening.close()
    print("", file=sys.stderr)
    return 0
