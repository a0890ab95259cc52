"""Create contacts and their identities."""

from outbox.tables import drop_outbox_tables, outbox_tables
from postgres.migrating import run_sql
from postgres.walls import protect
from web.idempotency import TABLE_SQL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

CONTACTS = """
create table contact.contacts (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    name text not null,
    name_source text not null check (name_source in ('push', 'user', 'import', 'provider')),
    -- without case and accents, made by the application: the whole name, for sorting and finding by its beginning; and the words
    -- within it that it does not begin with
    name_folded text collate "C" not null,
    name_words text[] collate "C" not null default '{}',
    email text collate "C",
    phone text,
    -- phone digits evened out for matching only; the phone itself is never rewritten
    phone_key text collate "C",
    -- from its end: people remember the last digits. Stored, since no function of a column is looked up by index behind the wall
    phone_key_reversed text collate "C" generated always as (reverse(phone_key)) stored,
    external_id text collate "C",
    source_channel text,
    language text not null default 'en',
    timezone text,
    tags text[] not null default '{}',
    -- what each tag is compared by, in the same order
    tag_keys text[] not null default '{}',
    custom_fields jsonb not null default '{}',
    opted_out boolean not null default false,
    opted_out_at timestamptz,
    origin text not null check (origin in ('inbound', 'api', 'import')),
    first_interaction_at timestamptz,
    last_interaction_at timestamptz,
    -- What is indexed must not change with every message, or each of them rewrites every index. So the list of contacts finds the
    -- day by index and sorts within it.
    last_interaction_day timestamptz not null generated always as (date_bin('1 day',
        coalesce(last_interaction_at, timestamptz '1970-01-01 00:00:00+00'), timestamptz '2000-01-01 00:00:00+00')) stored,
    merged_into_id uuid,
    erased_at timestamptz,
    primary key (tenant_id, id),
    constraint contacts_tags check (cardinality(tags) = cardinality(tag_keys) and cardinality(tags) <= 100)
) with (fillfactor = 70); -- room for each message's touch on the same page, so that it touches no index
-- One live contact of a project per phone, e-mail and key of the customer's own. People are found by them, too.
create unique index contacts_by_phone on contact.contacts (tenant_id, project_id, phone_key)
    where phone_key is not null and deleted_at is null and merged_into_id is null and erased_at is null;
create unique index contacts_by_email on contact.contacts (tenant_id, project_id, email)
    where email is not null and deleted_at is null and merged_into_id is null and erased_at is null;
create unique index contacts_by_external_id on contact.contacts (tenant_id, project_id, external_id)
    where external_id is not null and deleted_at is null and merged_into_id is null and erased_at is null;
-- With the deleted ones, who come back when they write again: the line looks here, too.
create index contacts_by_last_digits on contact.contacts (tenant_id, project_id, phone_key_reversed)
    where phone_key_reversed is not null;
create index contacts_newest on contact.contacts (tenant_id, project_id, created_at desc, id desc);
create index contacts_changed on contact.contacts (tenant_id, project_id, updated_at desc, id desc);
create index contacts_by_name on contact.contacts (tenant_id, project_id, name_folded, id)
    where deleted_at is null and merged_into_id is null and erased_at is null;
create index contacts_by_last_interaction on contact.contacts (tenant_id, project_id, last_interaction_day desc);
create index contacts_opted_out on contact.contacts (tenant_id, project_id, created_at desc, id desc) where opted_out;
"""

IDENTITIES = """
create table contact.channel_identities (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    contact_id uuid not null,
    channel_id uuid,
    kind text not null,
    value text not null,
    match_key text not null,
    push_name text,
    verified boolean not null default false,
    evidence text not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    ended_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, contact_id) references contact.contacts (tenant_id, id)
);
-- Two batches may meet the same stranger at once: this key decides.
create unique index identities_live on contact.channel_identities (tenant_id, project_id, channel_id, kind, value)
    nulls not distinct where ended_at is null;
create index identities_by_key on contact.channel_identities (tenant_id, project_id, match_key) where ended_at is null;
create index identities_of_contact on contact.channel_identities (tenant_id, contact_id);
"""


def upgrade() -> None:
    """Everything that the service keeps."""
    run_sql(outbox_tables("contact"))
    run_sql(TABLE_SQL("contact"))
    run_sql(CONTACTS + protect("contact", "contacts"))
    run_sql(IDENTITIES + protect("contact", "channel_identities"))


def downgrade() -> None:
    """Drop it all; the schema itself belongs to the installation."""
    run_sql("drop table contact.channel_identities, contact.contacts;")
    run_sql(
        "drop table contact.idempotency_keys; drop function contact.tenants_with_old_idempotency_keys(timestamptz);"
    )
    run_sql(drop_outbox_tables("contact"))
