"""What doctor finds of matching: whether conversions wait for longer than they should."""

from collections.abc import Iterator
from datetime import timedelta

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Checkup, Finding, Level

# The promise is seconds; minutes mean that nothing matches.
LONGEST_WAIT = timedelta(minutes=5)


def health(checkup: Checkup) -> Iterator[Finding]:
    """Yield one finding."""
    row = checkup.connection.execute(statement("matching/oldest_waiting")).fetchone()
    waiting, since = row or (0, None)
    if since is None:
        yield Finding("queue", Level.OK, "no conversion waits to be matched")
        return
    said = f"{waiting:,} conversions wait, the oldest since {since:%Y-%m-%d %H:%M:%S} UTC"
    if checkup.now - since > LONGEST_WAIT:
        yield Finding("queue", Level.WARN, said, "Run `trackai match`, or `trackai up`, which matches by itself.")
    else:
        yield Finding("queue", Level.OK, said)
