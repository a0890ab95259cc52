"""Create automation rules, what became of them, and the triggers that were heard."""

from postgres.migrating import run_sql
from postgres.walls import finder_function, finder_may_read, protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "pipeline_automation"

RULES = """
create table pipeline_automation.automation_rules (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    revision int not null default 1,
    automation_type text not null check (automation_type in ('pipeline_based', 'follow_up', 'reengagement', 'onboarding', 'event')),
    pipeline_id uuid,
    name text not null,
    -- without case: for searching and sorting, made by the application
    name_key text not null,
    description text,
    trigger text not null,
    trigger_filter jsonb not null default '{}',
    conditions jsonb not null default '[]',
    expression text,
    actions jsonb not null check (jsonb_array_length(actions) between 1 and 20),
    priority int not null default 0 check (priority >= 0),
    enabled boolean not null,
    on_error text not null check (on_error in ('stop', 'continue')),
    max_event_age_minutes int not null check (max_event_age_minutes >= 0),
    max_count int not null check (max_count > 0),
    max_hours int not null check (max_hours > 0),
    transactional boolean not null default false,
    disabled_reason text,
    primary key (tenant_id, id),
    foreign key (tenant_id, pipeline_id) references pipeline_automation.pipelines (tenant_id, id),
    check (pipeline_id is not null or automation_type = 'event'),
    check (expression is null or conditions = '[]'),
    check (disabled_reason is null or not enabled)
);
create index automation_rules_of_project on pipeline_automation.automation_rules (tenant_id, project_id) where deleted_at is null;

-- One row for each project that has rules or had any. Every change of a rule gives it another revision: what the line looks at to
-- know whether the rules that it remembers are still those.
create table pipeline_automation.rule_sets (
    tenant_id uuid not null,
    project_id uuid not null,
    revision uuid not null,
    primary key (tenant_id, project_id)
);
"""

# One row for each rule and event that was looked at. What ran is kept 90 days, what did not 7.
EXECUTIONS = """
create table pipeline_automation.rule_executions (
    tenant_id uuid not null,
    rule_id uuid not null,
    event_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    revision int not null,
    trigger text not null,
    contact_id uuid,
    session_id uuid,
    correlation_id uuid not null,
    hop int not null,
    state text not null check (state in ('succeeded', 'partly_failed', 'failed', 'skipped')),
    matched boolean not null,
    reason text,
    conditions jsonb not null,
    actions jsonb not null,
    created_at timestamptz not null,
    finished_at timestamptz,
    keep_until timestamptz not null,
    primary key (tenant_id, rule_id, event_id),
    check (matched or state = 'skipped'),
    check ((reason is null) = (state <> 'skipped')),
    check (state = 'skipped' or finished_at is not null)
) with (fillfactor = 90);
create index rule_executions_of_rule on pipeline_automation.rule_executions (tenant_id, rule_id, id);
-- One rule runs once for a contact in one chain of events.
create unique index rule_executions_chain on pipeline_automation.rule_executions (tenant_id, rule_id, contact_id, correlation_id)
    nulls not distinct where state <> 'skipped';
create index rule_executions_budget on pipeline_automation.rule_executions (tenant_id, rule_id, contact_id, created_at)
    where state <> 'skipped';
create index rule_executions_ran on pipeline_automation.rule_executions (tenant_id, rule_id, created_at) where state <> 'skipped';
create index rule_executions_by_end on pipeline_automation.rule_executions (keep_until);

-- Which action wished for a message: finds the execution of one that failed, and counts what automation writes into a chat.
create table pipeline_automation.rule_messages (
    tenant_id uuid not null,
    id uuid not null,
    rule_id uuid not null,
    event_id uuid not null,
    action_index int not null,
    chat_key text not null,
    created_at timestamptz not null,
    keep_until timestamptz not null,
    primary key (tenant_id, id)
);
create index rule_messages_in_chat on pipeline_automation.rule_messages (tenant_id, chat_key, created_at);
create index rule_messages_by_end on pipeline_automation.rule_messages (keep_until);

-- Automation says nothing in this chat until then: it talked to itself.
create table pipeline_automation.chat_pauses (
    tenant_id uuid not null,
    chat_key text not null,
    keep_until timestamptz not null,
    primary key (tenant_id, chat_key)
);
create index chat_pauses_by_end on pipeline_automation.chat_pauses (keep_until);

-- People were told that this rule is too busy with this contact, and are not told again until then.
create table pipeline_automation.budget_notices (
    tenant_id uuid not null,
    rule_id uuid not null,
    contact_id uuid not null,
    keep_until timestamptz not null,
    primary key (tenant_id, rule_id, contact_id)
);
create index budget_notices_by_end on pipeline_automation.budget_notices (keep_until);
"""

# What rules could have heard, for trying a rule on what really happened: a sample, kept 7 days, 2,000 for each project.
TRIGGER_EVENTS = """
create table pipeline_automation.trigger_events (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    trigger text not null,
    heard jsonb not null,
    keep_until timestamptz not null,
    primary key (tenant_id, id)
);
create index trigger_events_of_project on pipeline_automation.trigger_events (tenant_id, project_id, trigger, id);
create index trigger_events_by_end on pipeline_automation.trigger_events (keep_until);
"""

# Events whose contact we have not heard of yet: their rules run when we have.
WAITING = """
create table pipeline_automation.waiting_triggers (
    tenant_id uuid not null,
    event_id uuid not null,
    contact_id uuid not null,
    heard jsonb not null,
    keep_until timestamptz not null,
    primary key (tenant_id, event_id)
);
create index waiting_triggers_of_contact on pipeline_automation.waiting_triggers (tenant_id, contact_id);
create index waiting_triggers_by_end on pipeline_automation.waiting_triggers (keep_until);
"""

EXPIRING = ("rule_executions", "rule_messages", "chat_pauses", "budget_notices", "trigger_events", "waiting_triggers")
TABLES = ("automation_rules", "rule_sets", *EXPIRING)

TENANTS_WITH_MANY = "tenants_with_many_trigger_events(most int)"
MANY = """
select tenant_id from pipeline_automation.trigger_events group by tenant_id, project_id having count(*) > most limit 1000
"""
TENANTS_TO_TIDY = "tenants_to_tidy(before timestamptz)"
LOOK = " union ".join(
    f"(select tenant_id from pipeline_automation.{table} where keep_until < before order by keep_until limit 1000)"
    for table in EXPIRING
)


def upgrade() -> None:
    """Everything that rules need."""
    run_sql(RULES + EXECUTIONS + TRIGGER_EVENTS + WAITING)
    run_sql("".join(protect(SCHEMA, table) for table in TABLES))
    run_sql("".join(finder_may_read(SCHEMA, table) for table in EXPIRING))
    run_sql(finder_function(SCHEMA, TENANTS_TO_TIDY, "setof uuid", LOOK))
    run_sql(finder_function(SCHEMA, TENANTS_WITH_MANY, "setof uuid", MANY))


def downgrade() -> None:
    """Pipelines without rules."""
    run_sql(f"drop function {SCHEMA}.tenants_to_tidy(timestamptz), {SCHEMA}.tenants_with_many_trigger_events(int);")
    run_sql("".join(f"drop table {SCHEMA}.{table};" for table in reversed(TABLES)))
