"""Databases for benchmarks at their smallest scale.

What belongs here: fixtures. What does not: assertions, and any expectation of speed: machines differ.
"""

from pathlib import Path

import pytest

from benchmarks.database import Database


@pytest.fixture
def database(home: Path, database_url: str, empty_database_url: str) -> Database:
    """A migrated event database, an empty one for Dagster, and a home, all of this test's own."""
    return Database(database_url, empty_database_url, home)
