"""A user's variant in an A/B test, for the app."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0047_ab_test_variant")
