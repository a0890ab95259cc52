"""Find contacts by the words of their names and by their tags."""

from postgres.migrating import run_sql
from postgres.walls import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# GIN operators are not leakproof, so behind the wall no index over arrays or texts is used. These tables are such indexes: one row
# for each tag of a live contact and each word within its name, found by an ordinary key.
TABLES = """
create table contact.contact_words (
    tenant_id uuid not null,
    project_id uuid not null,
    word text collate "C" not null,
    contact_id uuid not null,
    primary key (tenant_id, project_id, word, contact_id)
);
create table contact.contact_tags (
    tenant_id uuid not null,
    project_id uuid not null,
    tag_key text collate "C" not null,
    contact_id uuid not null,
    tag text not null,
    primary key (tenant_id, project_id, tag_key, contact_id)
);
"""

# Kept by triggers, as Postgres keeps its own indexes, so that no statement can forget them. New contacts are taken a statement at a
# time, since the line makes many at once; a change costs only where it names one of the columns and makes a difference.
TRIGGERS = """
create function contact.index_new_contacts() returns trigger language plpgsql as $index$
begin
    insert into contact.contact_words (tenant_id, project_id, word, contact_id)
    select n.tenant_id, n.project_id, w.word, n.id from new_contacts n, unnest(n.name_words) as w (word)
    where n.deleted_at is null and n.merged_into_id is null and n.erased_at is null;
    insert into contact.contact_tags (tenant_id, project_id, tag_key, contact_id, tag)
    select n.tenant_id, n.project_id, t.tag_key, n.id, t.tag from new_contacts n, unnest(n.tag_keys, n.tags) as t (tag_key, tag)
    where n.deleted_at is null and n.merged_into_id is null and n.erased_at is null;
    return null;
end $index$;

create function contact.index_words() returns trigger language plpgsql as $index$
declare
    words text[] := case when new.deleted_at is null and new.merged_into_id is null and new.erased_at is null
        then new.name_words else '{}' end;
begin
    delete from contact.contact_words where tenant_id = old.tenant_id and project_id = old.project_id and contact_id = old.id
        and word = any(old.name_words) and word <> all(words);
    insert into contact.contact_words (tenant_id, project_id, word, contact_id)
    select new.tenant_id, new.project_id, w.word, new.id from unnest(words) as w (word)
    on conflict do nothing;
    return null;
end $index$;

create function contact.index_tags() returns trigger language plpgsql as $index$
declare
    keys text[] := case when new.deleted_at is null and new.merged_into_id is null and new.erased_at is null
        then new.tag_keys else '{}' end;
begin
    delete from contact.contact_tags where tenant_id = old.tenant_id and project_id = old.project_id and contact_id = old.id
        and tag_key = any(old.tag_keys) and tag_key <> all(keys);
    insert into contact.contact_tags (tenant_id, project_id, tag_key, contact_id, tag)
    select new.tenant_id, new.project_id, t.tag_key, new.id, t.tag from unnest(keys, new.tags) as t (tag_key, tag)
    where t.tag_key is not null
    on conflict do nothing;
    return null;
end $index$;
revoke all on function contact.index_new_contacts(), contact.index_words(), contact.index_tags() from public;

create trigger index_new_contacts after insert on contact.contacts referencing new table as new_contacts
    for each statement execute function contact.index_new_contacts();
create trigger index_words after update of name_words, deleted_at, merged_into_id, erased_at on contact.contacts
    for each row when ((old.name_words, old.deleted_at, old.merged_into_id, old.erased_at)
        is distinct from (new.name_words, new.deleted_at, new.merged_into_id, new.erased_at))
    execute function contact.index_words();
create trigger index_tags after update of tag_keys, deleted_at, merged_into_id, erased_at on contact.contacts
    for each row when ((old.tag_keys, old.deleted_at, old.merged_into_id, old.erased_at)
        is distinct from (new.tag_keys, new.deleted_at, new.merged_into_id, new.erased_at))
    execute function contact.index_tags();
"""


def upgrade() -> None:
    """Make the tables, and the triggers that fill them."""
    run_sql(TABLES + protect("contact", "contact_words") + protect("contact", "contact_tags") + TRIGGERS)


def downgrade() -> None:
    """Drop them."""
    run_sql("""
    drop trigger index_new_contacts on contact.contacts;
    drop trigger index_words on contact.contacts;
    drop trigger index_tags on contact.contacts;
    drop function contact.index_new_contacts(), contact.index_words(), contact.index_tags();
    drop table contact.contact_tags, contact.contact_words;
    """)
