"""Access tokens: where each tenant's token comes from.

Here: one small interface, its two sources, and which of them the environment selects. Not here: what a token is used
for (`dispatcher`). A token is never in the database, a log, metadata or an error's text: it is passed as a SecretStr,
which does not print its value.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from trackai_pipelines.settings import CapiSettings, token_variable

# Characters that an HTTP header can hold. Any other would fail there, in an error that quotes the token.
_TOKEN = re.compile(r"[!-~]{1,4096}")


class TokenStore(Protocol):
    """A source of tenants' access tokens."""

    def token_of(self, slug: str) -> SecretStr | None:
        """Return the tenant's access token; None where there is no usable one."""


@dataclass(frozen=True, slots=True)
class EnvironmentTokens:
    """Tokens from variables `TRACKAI_CAPI_TOKEN_<SLUG>`, read at each call."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def token_of(self, slug: str) -> SecretStr | None:
        """Return the tenant's access token; None where the variable is unset or holds none."""
        return _usable(self.environment.get(token_variable(slug), ""))


@dataclass(frozen=True, slots=True)
class DirectoryTokens:
    """Tokens from a folder of files named by slug, as secrets are mounted.

    The file is read at each call, so a token that is replaced there is used at once.
    """

    folder: Path

    def token_of(self, slug: str) -> SecretStr | None:
        """Return the tenant's access token; None where there is no readable file of that name."""
        if Path(slug).name != slug or slug in {".", ".."}:
            return None
        try:
            return _usable((self.folder / slug).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            # One tenant's unreadable file must not stop the others; it is reported as a missing token.
            return None


@dataclass(frozen=True, slots=True)
class FirstOfTokens:
    """The token of the first store that has one."""

    stores: Sequence[TokenStore]

    def token_of(self, slug: str) -> SecretStr | None:
        """Return the tenant's access token; None where no store has one."""
        found = (store.token_of(slug) for store in self.stores)
        return next((token for token in found if token is not None), None)


def tokens_of_environment(settings: CapiSettings) -> TokenStore:
    """Return the tokens of the folder TRACKAI_CAPI_TOKEN_DIR, where it is set, else those of the variables.

    The folder comes first: a file can be replaced while processes run, a variable cannot.
    """
    variables = EnvironmentTokens()
    if settings.capi_token_dir is None:
        return variables
    return FirstOfTokens([DirectoryTokens(settings.capi_token_dir), variables])


def _usable(text: str) -> SecretStr | None:
    trimmed = text.strip()
    return SecretStr(trimmed) if _TOKEN.fullmatch(trimmed) else None
