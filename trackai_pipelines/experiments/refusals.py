"""What is refused, in words for people; commands end with exit code 2."""

from trackai_pipelines.errors import ExpectedError


class ExperimentRefusedError(ExpectedError):
    """What was asked for is not done, and nothing was changed. The text says why, and what to do."""


class UnknownTestError(ExperimentRefusedError):
    """There is no such test."""
