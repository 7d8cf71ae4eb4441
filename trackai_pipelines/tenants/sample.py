"""The demo's tenants: no landing file brings them, so they are put into the database."""

from psycopg import Connection

from trackai_pipelines.domain import Sample
from trackai_pipelines.sample_data.ground_truth import insert_tenants


def insert(connection: Connection, sample: Sample) -> None:
    """Insert the sample's tenants unless they are there; those that are stay as they are."""
    insert_tenants(connection, sample.truth["tenants"])
