"""Alembic's environment and its revisions: each is a thin file that runs its namesake in `sql/migrations`."""
