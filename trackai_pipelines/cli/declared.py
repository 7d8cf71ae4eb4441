"""Commands that are known by name and one line until they run.

What belongs here: when a command is imported. What does not: which commands there are.
"""

from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_command, get_group


class DeclaredCommand(TyperCommand):
    """A stand-in for a command or a group; its callback is the declaration's `load`, which imports the real one."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Return a context of the real command: click parses and invokes that one."""
        return self.real().make_context(info_name, args, parent, **extra)

    def real(self) -> Any:
        """Import the command and return it as typer builds it."""
        assert self.callback is not None
        loaded = self.callback()
        if isinstance(loaded, typer.Typer):
            return get_group(loaded)
        alone = typer.Typer(add_completion=False)
        alone.command(self.name)(loaded)
        return get_command(alone)
