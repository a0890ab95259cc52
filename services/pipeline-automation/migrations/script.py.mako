"""${message}."""

from postgres.migrating import run_sql

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say what changes, and for whom. A migration that touches data lifts FORCE on that table and sets it again."""
    run_sql("""
    ${upgrades if upgrades else ""}
    """)


def downgrade() -> None:
    """Take it back."""
    run_sql("""
    ${downgrades if downgrades else ""}
    """)
