"""What is refused, in words for people; commands end with exit code 2."""

from trackai_pipelines.errors import ExpectedError


class LoyaltyRefusedError(ExpectedError):
    """What was asked for is not done, and nothing was changed. The text says why, and what to do."""
