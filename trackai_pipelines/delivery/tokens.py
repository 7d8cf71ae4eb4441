"""Access tokens: where a tenant's comes from.

Here: the one small interface, its two sources, and which of them the environment means. Not here: what is done with a
token (`dispatcher`). A token is never in the database, a log, metadata or an error's text: it is handed on as a
SecretStr, which does not show itself.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from trackai_pipelines.settings import CapiSettings, token_variable

# What can stand in an HTTP header. Anything else would fail there, in an error that repeats it.
_TOKEN = re.compile(r"[!-~]{1,4096}")


class TokenStore(Protocol):
    """Something that knows tenants' access tokens."""

    def token_of(self, slug: str) -> SecretStr | None:
        """The tenant's access token, or None where there is none that can be used."""


@dataclass(frozen=True, slots=True)
class EnvironmentTokens:
    """Tokens from variables `TRACKAI_CAPI_TOKEN_<SLUG>`, read anew each time."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def token_of(self, slug: str) -> SecretStr | None:
        """The tenant's access token, or None where the variable is unset or holds none."""
        return _usable(self.environment.get(token_variable(slug), ""))


@dataclass(frozen=True, slots=True)
class DirectoryTokens:
    """Tokens from a folder of files named by slug, as secrets are mounted; read anew each time, so that a token that
    is replaced there is used at once."""

    folder: Path

    def token_of(self, slug: str) -> SecretStr | None:
        """The tenant's access token, or None where there is no such file, or none that can be read."""
        if Path(slug).name != slug or slug in {".", ".."}:
            return None
        try:
            return _usable((self.folder / slug).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            # One tenant's unreadable file must not stop the others; it is told as a missing token.
            return None


@dataclass(frozen=True, slots=True)
class FirstOfTokens:
    """The token of the first store that has one."""

    stores: Sequence[TokenStore]

    def token_of(self, slug: str) -> SecretStr | None:
        """The tenant's access token, or None where no store has one."""
        found = (store.token_of(slug) for store in self.stores)
        return next((token for token in found if token is not None), None)


def tokens_of_environment(settings: CapiSettings) -> TokenStore:
    """Tokens from the folder TRACKAI_CAPI_TOKEN_DIR, where it is set, else from a tenant's variable.

    The folder comes first: a token is replaced there while processes run, a variable is not.
    """
    variables = EnvironmentTokens()
    if settings.capi_token_dir is None:
        return variables
    return FirstOfTokens([DirectoryTokens(settings.capi_token_dir), variables])


def _usable(text: str) -> SecretStr | None:
    trimmed = text.strip()
    return SecretStr(trimmed) if _TOKEN.fullmatch(trimmed) else None
