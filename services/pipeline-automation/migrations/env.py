"""Alembic asks here how to reach the schema."""

from postgres.migrating import run_from_alembic

run_from_alembic()
