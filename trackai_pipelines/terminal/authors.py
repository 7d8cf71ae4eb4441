"""Who runs a command, as what it changes names them."""

import getpass
from typing import Annotated

import typer

By = Annotated[str, typer.Option(envvar="TRACKAI_ACTOR", help="Who makes the change.", show_default="your login")]


def login() -> str:
    """Return who is logged in; the name of an account that has none is its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        import os

        return f"uid {os.getuid()}"
