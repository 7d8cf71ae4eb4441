"""The pages of docs/ as HTML: where the descriptions of assets in Dagster's UI link to.

What belongs here: rendering them. What does not: what they say (docs/).
"""

from functools import cache

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from trackai_pipelines.database.statements import shipped
from trackai_pipelines.web.pages import render

# Their charts are images of this server, some with styles of their own.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"
_IMAGES = (".svg", ".png")


def page(request: Request) -> Response:
    """Answer with a page, or an image of one; 404 for anything else, folders above docs/ included."""
    name = request.path_params["name"]
    found = {path.name: path for path in shipped("docs").iterdir()}.get(name)
    if found and found.suffix == ".md":
        html = _html(found.read_text(encoding="utf-8"))
        headers = {"Content-Security-Policy": _POLICY}
        return HTMLResponse(render("documentation.html", name=name, page=html), headers=headers)
    if found and found.suffix in _IMAGES:
        return FileResponse(found, headers={"Content-Security-Policy": _POLICY})
    raise HTTPException(404)


@cache
def _html(text: str) -> Markup:
    """Return a page's HTML. Links that leave docs/ lead to files of the repository, and become plain text."""
    from markdown_it import MarkdownIt

    # What a page holds of HTML is shown as text.
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for part in (part for token in tokens for part in token.children or []):
        if str(part.attrs.get("href", "")).startswith("../"):
            del part.attrs["href"]
    # Markdown-it escapes all text.
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704
