"""The web application in this process, on a real database, with a toy domain's routes."""

import asyncio
import json
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from web.serving import served, serving

from trackai_pipelines.domain import Domain
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.web.app import build_app
from trackai_pipelines.web.guard import ACCESS, ERRORS

SECRET = "hunter2"
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


class Toy:
    """A domain whose routes do what goes wrong in life."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/toys/{name}", self.read),
            Route("/toys", self.take, methods=["POST"]),
            Route("/slow", self.slow),
            Route("/stuck", self.stuck),
            Route("/sleep", self.sleep),
            Route("/bug", self.bug),
            Route("/refused", self.refused),
            Route("/events", self.events),
            Route("/half", self.half),
        ]

    def read(self, request: Request) -> Response:
        with request.app.state.pool.connection() as connection:
            row = connection.execute(
                "SELECT %s || current_setting('timezone')", (request.path_params["name"],)
            ).fetchone()
        return PlainTextResponse(row[0])

    async def take(self, request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    async def slow(self, request: Request) -> Response:
        await asyncio.sleep(3600)
        return PlainTextResponse("")

    def stuck(self, request: Request) -> Response:
        self.released.wait(60)
        return PlainTextResponse("")

    def sleep(self, request: Request) -> Response:
        with request.app.state.pool.connection() as connection:
            connection.execute("SELECT pg_sleep(3600)")
        return PlainTextResponse("")

    def bug(self, request: Request) -> Response:
        raise ValueError(f"the row of someone@example.com, password={SECRET}")

    def refused(self, request: Request) -> Response:
        raise HTTPException(409, "There is such a toy already.", {"X-Toy": "1"})

    async def events(self, request: Request) -> Response:
        async def stream() -> Any:
            for number in range(3):
                await asyncio.sleep(0.2)
                yield str(number)

        return StreamingResponse(stream())

    async def half(self, request: Request) -> Response:
        async def stream() -> Any:
            yield "half"
            raise ValueError(SECRET)

        return StreamingResponse(stream())


@pytest.fixture
def toy() -> Toy:
    return Toy()


@pytest.fixture
def client(database_url: str, toy: Toy) -> Iterator[httpx.Client]:
    domain = Domain(name="toys", says="Toys.", routes=toy.routes)
    with serving(database_url, domain, seconds=0.5, body_bytes=1000) as client:
        yield client


def test_health_version_and_start_page(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok", "database": "ok"}
    assert client.get("/version").json()["name"] == "trackai-pipelines"
    page = client.get("/", headers=BROWSER)
    assert page.headers["content-type"].startswith("text/html")
    assert all(f'href="{path}"' in page.text for path in ("/healthz", "/metrics", "/version", "/slow"))
    assert "/toys/{name}" not in page.text


def test_a_domains_route_is_mounted_and_has_connections(client: httpx.Client) -> None:
    assert client.get("/toys/bear-").text == "bear-UTC"


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/nothing/here", 404, "Not Found"),
        ("GET", "/healthz/", 404, "Not Found"),
        ("DELETE", "/toys", 405, "Method Not Allowed"),
        ("GET", "/slow", 504, "Gateway Timeout"),
        ("GET", "/sleep", 504, "Gateway Timeout"),
        ("GET", "/bug", 500, "Internal Server Error"),
        ("GET", "/refused", 409, "Conflict"),
    ],
)
def test_errors_are_problems_for_programs_and_pages_for_browsers(
    client: httpx.Client, method: str, path: str, status: int, title: str
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "request_id"}
    assert (body["type"], body["title"], body["status"]) == ("about:blank", title, status)
    assert body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]

    page = client.request(method, path, headers=BROWSER)
    assert page.status_code == status
    assert page.headers["content-type"].startswith("text/html")
    assert title in page.text
    assert page.headers["x-request-id"] in page.text
    assert SECRET not in answer.text + page.text
    assert "example.com" not in answer.text + page.text


def test_a_route_says_its_own_words_and_headers(client: httpx.Client) -> None:
    answer = client.get("/refused")
    assert answer.json()["detail"] == "There is such a toy already."
    assert answer.headers["x-toy"] == "1"
    assert client.delete("/toys").headers["allow"] == "POST"


def test_a_route_that_never_returns_is_answered_for(client: httpx.Client, toy: Toy) -> None:
    try:
        assert client.get("/stuck").status_code == 504
        assert client.get("/healthz").status_code == 200
    finally:
        toy.released.set()


def test_an_answer_that_has_begun_may_go_on_for_longer(client: httpx.Client) -> None:
    assert client.get("/events").text == "012"


def test_half_an_answer_is_not_followed_by_another(client: httpx.Client) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/half")
    assert client.get("/version").status_code == 200


def test_bodies_have_a_limit_whatever_they_say_of_their_length(client: httpx.Client) -> None:
    assert client.post("/toys", content=b"x" * 1000).text == "1000"
    said = client.post("/toys", content=b"x" * 1001)
    unsaid = client.post("/toys", content=iter([b"x" * 600, b"x" * 600]))
    for answer in (said, unsaid):
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("given", ["4bf92f3577b34da6a3ce929d0e0e4736", "01ARZ3NDEKTSV4RRFFQ69G5FAV"])
def test_a_sane_request_id_is_taken_over(client: httpx.Client, given: str) -> None:
    assert client.get("/version", headers={"X-Request-Id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize(
    "given", ["", "short", "someone@example.com", "x" * 65, "<script>alert(1)</script>", "a b c d e f"]
)
def test_any_other_is_replaced(client: httpx.Client, given: str) -> None:
    made = client.get("/version", headers={"X-Request-Id": given}).headers["x-request-id"]
    assert made != given
    assert len(made) == 32


def test_security_headers_are_on_every_answer(client: httpx.Client) -> None:
    for path in ("/healthz", "/nothing", "/bug", "/"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "server" not in headers


def test_the_log_names_routes_and_no_people(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        client.get("/toys/someone@example.com?email=someone@example.com", headers={"User-Agent": "someone"})
        client.get("/nothing/someone@example.com")
        client.get("/bug")
    access = [record for record in caplog.records if record.name == ACCESS.name]
    assert [(vars(one)["route"], vars(one)["status"]) for one in access] == [
        ("/toys/{name}", 200), ("unmatched", 404), ("/bug", 500),
    ]  # fmt: skip
    (error,) = [record for record in caplog.records if record.name == ERRORS.name]
    assert vars(error)["error"] == "builtins.ValueError"
    assert "test_app.py" in vars(error)["at"][-1]
    assert vars(error)["request_id"] == vars(access[-1])["request_id"]
    said = json.dumps([vars(one) for one in (*access, error)], default=str)
    assert "someone" not in said
    assert SECRET not in said


def test_a_database_that_is_away_is_a_503_and_comes_back(server_url: str, empty_database_url: str) -> None:
    name = empty_database_url.rpartition("/")[2].partition("?")[0]
    with psycopg.connect(server_url, autocommit=True) as server:
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        server.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        with serving(empty_database_url) as client:
            away = client.get("/healthz")
            assert away.status_code == 503
            assert away.headers["retry-after"] == "5"
            assert away.json()["title"] == "Service Unavailable"
            assert client.get("/healthz", headers=BROWSER).status_code == 503
            assert client.get("/version").status_code == 200
            assert "trackai_database_up 0.0" in client.get("/metrics").text
            server.execute(allow.format(sql.Identifier(name), sql.SQL("true")))
            assert client.get("/healthz").status_code == 200
            # A connection that the server ended is replaced.
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            assert client.get("/healthz").status_code == 200


def test_the_pool_is_closed_with_the_application(database_url: str) -> None:
    app = build_app(DOMAINS, database_url)
    assert app.state.pool.closed, "it opens with the application"
    with served(app) as client:
        assert client.get("/healthz").status_code == 200
        assert not app.state.pool.closed
    assert app.state.pool.closed


def test_what_routes_keep_is_closed_with_the_application(database_url: str) -> None:
    said: list[str] = []

    def keep(request: Request) -> Response:
        state = request.app.state
        state.kept.callback(lambda: said.append("open" if not state.pool.closed else "closed"))
        return PlainTextResponse("")

    domain = Domain(name="toys", says="Toys.", routes=lambda: [Route("/keep", keep)])
    with served(build_app((domain,), database_url)) as client:
        client.get("/keep")
        assert said == []
    assert said == ["open"]


def test_routes_of_ones_own_replace_the_usual_ones(database_url: str, toy: Toy) -> None:
    def healthz(request: Request) -> Response:
        return PlainTextResponse("alive")

    domain = Domain(name="toys", says="Toys.", routes=toy.routes)
    with served(build_app((domain,), database_url, own=[Route("/healthz", healthz)])) as client:
        assert client.get("/healthz").text == "alive"
        assert client.get("/toys/bear-").text == "bear-UTC"
        assert {client.get(path).status_code for path in ("/", "/version", "/metrics", "/docs/web.md")} == {404}


def test_a_client_that_hangs_up_is_no_error(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        with socket.create_connection((client.base_url.host, client.base_url.port or 80)) as half:
            half.sendall(b"POST /toys HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nhalf")
        while not any(vars(record).get("route") == "/toys" for record in caplog.records):
            client.get("/version")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
