"""Keep requests to the rows of their projects."""

from postgres.migrating import run_sql
from postgres.walls import fence, take_fence_away

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ("chats", "messages", "media_objects", "channels", "contacts", "open_sessions", "parked_events")


def upgrade() -> None:
    """Add the fence, which whoever sets no projects does not meet: an older release does not notice."""
    run_sql("".join(fence("messaging", table) for table in TABLES))


def downgrade() -> None:
    """Take it away."""
    run_sql("".join(take_fence_away("messaging", table) for table in TABLES))
