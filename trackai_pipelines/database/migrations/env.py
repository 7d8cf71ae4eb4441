"""What Alembic runs to migrate: the connection and its transaction are the caller's (migrate.py)."""

from alembic import context

from trackai_pipelines.database.migrate import VERSION_SCHEMA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    version_table_schema=VERSION_SCHEMA,
)
with context.begin_transaction():
    context.run_migrations()
