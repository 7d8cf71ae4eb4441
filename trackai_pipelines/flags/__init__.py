"""Feature flags: who gets what, since when, and what it changed.

    from trackai_pipelines.flags import open_flags

What belongs here: changing flags, and everything that people see of them. What does not: how a value is computed and
read in a process (`flag_values`), which the pipeline's own rooms use. `open_flags` is imported when it is asked for,
because declarations are read without it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackai_pipelines.flag_values.client import open_flags

__all__ = ["open_flags"]


def __getattr__(name: str) -> Any:
    if name == "open_flags":
        from trackai_pipelines.flag_values.client import open_flags

        return open_flags
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
