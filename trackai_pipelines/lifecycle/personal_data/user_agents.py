"""What remains of a user agent once it is anonymised: the family of the browser.

What belongs here: one text in, its family out. What does not: which rows are anonymised (`anonymise`).
"""

import re
from functools import lru_cache

UNKNOWN = "Other"

# Browsers' texts have a few hundred characters; patterns are slow on a long one made by hand.
_READ = 512
# Some families are the program's own words. What is longer than a name, or looks like a number of somebody's, is none.
_LONGEST = 40
_NO_NAME = re.compile(r"[0-9]{4}|@")


@lru_cache(maxsize=20_000)
def family_of(user_agent: str | None) -> str | None:
    """The browser's family, e.g. `Chrome Mobile`; `Other` for one that is not known, None where there is no text."""
    # Its patterns take a moment to load.
    from ua_parser import parse_user_agent

    text = (user_agent or "").strip()
    if not text:
        return None
    found = parse_user_agent(text[:_READ])
    family = found.family.strip() if found else ""
    return family if 0 < len(family) <= _LONGEST and not _NO_NAME.search(family) else UNKNOWN
