"""The application's own pages: the start page, and what a browser is shown of an error."""

from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from jinja2 import Environment

DISTRIBUTION = "trackai-pipelines"
"""The name that this package is installed under."""

_TEMPLATES = Path(__file__).with_name("templates")


def index(request: Request) -> Response:
    """Show which addresses can be opened."""
    found = (route for route in request.app.routes if isinstance(route, Route))
    paths = [route.path for route in found if "GET" in (route.methods or ()) and "{" not in route.path]
    return HTMLResponse(render("index.html", paths=paths[1:], version=metadata.version(DISTRIBUTION)))


def render(template: str, **values: object) -> str:
    """Return a page; everything in it is escaped."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
