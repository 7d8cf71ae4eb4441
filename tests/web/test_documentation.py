"""The pages of docs/ in the web application."""

import pytest
from web.serving import serving

from trackai_pipelines.database.statements import shipped


def test_every_page_is_served(database_url: str) -> None:
    with serving(database_url) as client:
        for path in shipped("docs").glob("*.md"):
            answer = client.get(f"/docs/{path.name}")
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/html")
            assert "<h1>" in answer.text
        facts = client.get("/docs/facts.md").text
    assert "<table>" in facts
    assert '<a href="landing-files.md">' in facts
    # The repository is not served.
    assert "../" not in facts


@pytest.mark.parametrize("name", ["nothing.md", "..%2FREADME.md", "benchmarks.json", "%2e%2e%2fpyproject.toml"])
def test_nothing_else_is(database_url: str, name: str) -> None:
    with serving(database_url) as client:
        assert client.get(f"/docs/{name}").status_code == 404


def test_images_are_served_and_run_nothing(database_url: str) -> None:
    with serving(database_url) as client:
        answer = client.get("/docs/benchmarks.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
