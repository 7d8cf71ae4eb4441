"""The one error that this package raises for people.

What belongs here: exceptions whose text is meant to be read. What does not: wrapping of errors that callers handle
by type (those stay psycopg's).
"""

from trackai_pipelines.errors import ExpectedError


class DatabaseSetupError(ExpectedError):
    """The database cannot be used as it is; the text says what is wrong and what to do. Never holds a password."""
