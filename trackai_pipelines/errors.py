"""Errors that people cause or can fix.

Commands print the text instead of a traceback: it says what happened, to what, and what to do next. What belongs here:
the base class alone. What does not: the errors, which live in the rooms that raise them.
"""


class ExpectedError(RuntimeError):
    """Something that is no fault of the program; the text is for people."""
