"""Access tokens: found by slug, never shown."""

import os
from pathlib import Path

import pytest

from trackai_pipelines.delivery.tokens import DirectoryTokens, EnvironmentTokens, TokenStore
from trackai_pipelines.settings import token_variable

SECRET = "EAAB-s3cret.token_7"


def shown(store: TokenStore, slug: str) -> str | None:
    token = store.token_of(slug)
    return token.get_secret_value() if token else None


@pytest.mark.parametrize(
    ("slug", "variable"),
    [
        ("acme", "TRACKAI_CAPI_TOKEN_ACME"),
        ("Acme-Brasil.2", "TRACKAI_CAPI_TOKEN_ACME_BRASIL_2"),
        ("a_b", "TRACKAI_CAPI_TOKEN_A_B"),
    ],
)
def test_variables_are_named_by_slug(slug: str, variable: str) -> None:
    assert token_variable(slug) == variable
    assert shown(EnvironmentTokens({variable: f" {SECRET}\n"}), slug) == SECRET
    assert shown(EnvironmentTokens({variable + "_": SECRET}), slug) is None


def test_the_process_environment_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    store = EnvironmentTokens()
    monkeypatch.delenv("TRACKAI_CAPI_TOKEN_ACME", raising=False)
    assert store.token_of("acme") is None
    monkeypatch.setenv("TRACKAI_CAPI_TOKEN_ACME", SECRET)
    assert shown(store, "acme") == SECRET


@pytest.mark.parametrize("text", ["", "  ", "two words", "line\nbreak", "caf\u00e9", "x\0y", "x" * 4097])
def test_what_cannot_stand_in_a_header_is_no_token(text: str, tmp_path: Path) -> None:
    (tmp_path / "acme").write_text(text, encoding="utf-8")
    assert EnvironmentTokens({"TRACKAI_CAPI_TOKEN_ACME": text}).token_of("acme") is None
    assert DirectoryTokens(tmp_path).token_of("acme") is None


def test_files_are_named_by_slug_and_read_anew(tmp_path: Path) -> None:
    store = DirectoryTokens(tmp_path)
    assert store.token_of("acme.br") is None
    (tmp_path / "acme.br").write_text(f"{SECRET}\n")
    assert shown(store, "acme.br") == SECRET
    (tmp_path / "acme.br").write_text("EAAB-new")
    assert shown(store, "acme.br") == "EAAB-new"


def test_unreadable_files_are_missing_tokens(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for slug in ("folder", "binary", "loop", "missing"):
        assert DirectoryTokens(tmp_path).token_of(slug) is None
    assert DirectoryTokens(tmp_path / "nowhere").token_of("acme") is None


@pytest.mark.parametrize("slug", ["../secret", "a/b", "..", ".", "", "/etc/hostname"])
def test_no_slug_leads_out_of_the_folder(slug: str, tmp_path: Path) -> None:
    inside = tmp_path / "tokens"
    (inside / "a").mkdir(parents=True)
    for path in (tmp_path / "secret", inside / "a" / "b"):
        path.write_text(SECRET)
    assert DirectoryTokens(inside).token_of(slug) is None


def test_tokens_do_not_show_themselves(tmp_path: Path) -> None:
    (tmp_path / "acme").write_text(SECRET)
    stores: list[TokenStore] = [EnvironmentTokens({token_variable("acme"): SECRET}), DirectoryTokens(tmp_path)]
    for store in stores:
        token = store.token_of("acme")
        for text in (repr(store), str(store), repr(token), str(token), f"{token}", f"{[token]}"):
            assert "s3cret" not in text
    assert "PATH" in os.environ
    assert os.environ["PATH"] not in repr(EnvironmentTokens())
