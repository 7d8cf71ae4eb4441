"""Errors that people cause or can fix, as one red sentence instead of a traceback.

What belongs here: which errors of libraries those are, and what to do next. What does not: our own errors, which carry
their text (`errors.ExpectedError`), and bugs, whose traceback is wanted.
"""

import errno
import re
from typing import Any

import typer
from typer.core import TyperGroup

from trackai_pipelines.errors import ExpectedError
from trackai_pipelines.terminal.output import fail


class SpeakingGroup(TyperGroup):
    """A group of commands that explains expected errors in words and ends with exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            fail("Interrupted.")
        except ExpectedError as error:
            fail(str(error))
        except _expected_of_libraries() as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                # The reader of our output has gone; typer ends quietly.
                raise
            fail(in_words(error))


def _expected_of_libraries() -> tuple[type[BaseException], ...]:
    """Return their types; called only once something was raised, because the modules take their time to import."""
    import psycopg
    from pydantic import ValidationError
    from sqlalchemy.exc import OperationalError

    return (
        ValidationError,
        OperationalError,
        psycopg.OperationalError,
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.UndefinedTable,
        psycopg.errors.UndefinedColumn,
        psycopg.errors.InvalidSchemaName,
        psycopg.errors.CheckViolation,
        OSError,
    )


def in_words(error: BaseException) -> str:
    """Return what happened and what to do next, in a sentence or two; never with a password."""
    import psycopg
    from pydantic import ValidationError
    from sqlalchemy.exc import OperationalError

    from trackai_pipelines.database.server import masked

    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"The setting {'.'.join(map(str, first['loc']))} is not valid: {first['msg']}. Correct it and try again."
    if isinstance(error, OperationalError):
        return f"Dagster's storage does not answer: {masked(_one_line(str(error.orig)))}. See `trackai doctor`."
    if isinstance(error, psycopg.OperationalError):
        return f"The database does not answer: {masked(_one_line(str(error)))}. See `trackai doctor`."
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return f"The database refuses: {_one_line(str(error))}. Grant that, or use a role that has it."
    if isinstance(error, psycopg.errors.CheckViolation):
        return _check_in_words(error)
    if isinstance(error, psycopg.Error):
        return f"The database's schema is not this version's ({_one_line(str(error))}). Run `trackai migrate`."
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}. Correct the path or its permissions and try again."
    return str(error)


def _check_in_words(error: Any) -> str:
    said = _one_line(error.diag.message_primary or "")
    if said.startswith("no partition"):
        return f"A day has no partition ({said}). Run `trackai migrate`, which makes the missing ones."
    # The detail is left out: it holds the row.
    return f"The database refused a row: {said}. Correct it and try again."


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().rstrip(".")


def usage(message: str) -> typer.BadParameter:
    """Return an error of usage to raise: exit code 2, with the command's usage."""
    return typer.BadParameter(message)
