"""The web application on a free port, served by a thread of this process as `trackai web` serves it.

What belongs here: its life for the time of a test. What does not: assertions.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.domain import Domain
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.web.app import build_app
from trackai_pipelines.web.guard import Limits


@contextmanager
def serving(url: str, *more: Domain, clock: Clock = utc_now, **limits: Any) -> Iterator[httpx.Client]:
    """A client of the application with the project's domains and `more`."""
    with served(build_app((*DOMAINS, *more), url, limits=Limits(**limits), clock=clock)) as client:
        yield client


@contextmanager
def served(app: Starlette) -> Iterator[httpx.Client]:
    """A client of this application."""
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        try:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()
