"""Let sign-ins end because a password was changed."""

from postgres.migrating import run_sql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REASONS = """
alter table identity.sign_ins drop constraint sign_ins_revoked_because_check;
alter table identity.sign_ins add constraint sign_ins_revoked_because_check check (revoked_because in ({reasons})) {checked};
"""


def upgrade() -> None:
    """Name the further reasons."""
    reasons = "'signed_out', 'token_reused', 'password_changed', 'password_reset'"
    run_sql(REASONS.format(reasons=reasons, checked=""))


def downgrade() -> None:
    """Take them back; rows that have them stay until they are forgotten."""
    run_sql(REASONS.format(reasons="'signed_out', 'token_reused'", checked="not valid"))
