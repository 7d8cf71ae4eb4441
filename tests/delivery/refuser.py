"""A server that finds fault with chosen orders, as Meta may with events that our own rules let pass."""

import json
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Refuser(ThreadingHTTPServer):
    """Refuses a whole request for one event of the orders in `bad`; `requests` are the orders of each, in order."""

    daemon_threads = True

    def __init__(self, bad: Collection[str], error: dict[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bad = set(bad)
        self.error = error
        self.requests: list[list[str]] = []
        self.accepted: list[str] = []

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Refuser
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        events = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["data"]
        orders = [event["custom_data"]["order_id"] for event in events]
        self.server.requests.append(orders)
        refused = bool(self.server.bad.intersection(orders))
        if not refused:
            self.server.accepted += orders
        answer = {"error": {"message": "x", **self.server.error}} if refused else {"events_received": len(orders)}
        body = json.dumps(answer).encode()
        self.send_response(400 if refused else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def refuser(bad: Collection[str], **error: int) -> Iterator[Refuser]:
    """Run one for the block; `error` holds code and error_subcode."""
    with Refuser(bad, error) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
