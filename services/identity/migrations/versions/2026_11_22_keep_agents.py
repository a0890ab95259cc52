"""Let agents be made, changed and deleted by people, and stand for somebody of the past."""

from postgres.migrating import run_sql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COLUMNS = """
alter table identity.agents
    add column deleted_at timestamptz,
    -- whom a virtual one stands for, and from when to when
    add column virtual jsonb,
    add constraint agents_virtual check ((type = 'virtual') = (virtual is not null)),
    add constraint agents_rest_offline check (active or status = 'offline'),
    alter column permissions set default '{access_analytics,manage_agents,manage_automations,send_messages}';
create index agents_of_project on identity.agents (tenant_id, project_id, name, id) where deleted_at is null;
drop index identity.agents_of_user;
create unique index agents_of_user on identity.agents (tenant_id, project_id, user_id) where user_id is not null and deleted_at is null;
"""

# Nobody could give or take any of these before, and an agent without them could do less than its role says.
GIVEN_ALL = """
alter table identity.agents no force row level security;
update identity.agents set permissions = default;
do $$ begin
    if exists (select from identity.agents where permissions = '{}') then
        raise exception 'agents were left without what their roles let them do';
    end if;
end $$;
alter table identity.agents force row level security;
"""

BACK = """
alter table identity.agents no force row level security;
delete from identity.agents where deleted_at is not null or virtual is not null;
alter table identity.agents force row level security;
drop index identity.agents_of_project;
drop index identity.agents_of_user;
create unique index agents_of_user on identity.agents (tenant_id, project_id, user_id) where user_id is not null;
alter table identity.agents
    drop constraint agents_virtual,
    drop constraint agents_rest_offline,
    drop column deleted_at,
    drop column virtual,
    alter column permissions set default '{}';
"""


def upgrade() -> None:
    """The columns, and what agents may do that there are."""
    run_sql(COLUMNS)
    run_sql(GIVEN_ALL)


def downgrade() -> None:
    """Drop them; virtual agents go with them, and deleted ones, of which the older release knows nothing."""
    run_sql(BACK)
