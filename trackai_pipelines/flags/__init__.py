"""Feature flags: who gets what, since when, and what it changed.

    from trackai_pipelines.flags import open_flags

What belongs here: changing flags, and everything that people see of them. What does not: how a value is computed and
read in a process (`flag_values`), which the pipeline's own rooms use. `open_flags` is imported when it is asked for,
because declarations are read without it.

Where to begin:

- changing flags: changes.py proposes and carries out; states.py, rules.py and history.py say what a change makes of a
  state, what is allowed and which version is in force; recording.py writes. Built on it: creating.py, altering.py,
  segments.py, ramps.py with guards.py and steps.py, plans.py, flag_file.py with applying.py;
- what a change would do: preview.py with known_users.py, and for gates changed_sales.py;
- what was checked: landing.py, analytics.py, memberships.py, stale.py; whether it agrees: reconcile.py, repeating.py;
- over HTTP: web.py with answers.py, streams.py, tokens.py, keyring.py and clients.py; server.py; growthbook.py. In
  OpenFeature's SDK: openfeature.py;
- shown to people: cli*.py, listing.py, explaining.py, story.py, section.py, health.py, metrics.py, frames.py, defs/.
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
