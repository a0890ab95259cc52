"""Contacts as people read them: one, or a list out of closed tables of filters and sorts."""

from postgres.listing import Listing

IDENTITIES = """(select coalesce(jsonb_agg(jsonb_build_object('id', i.id, 'contact_id', i.contact_id, 'channel_id', i.channel_id,
    'kind', i.kind, 'value', i.value, 'evidence', i.evidence, 'verified', i.verified, 'first_seen_at', i.first_seen_at,
    'last_seen_at', i.last_seen_at) order by i.first_seen_at, i.id), '[]')::text
    from channel_identities i where i.tenant_id = c.tenant_id and i.contact_id = c.id and i.ended_at is null) as identities"""

# The values of a deleted definition are kept for a while, and not shown.
DEFINED_VALUES = """case when c.custom_fields = '{}' then '{}' else (select coalesce(jsonb_object_agg(v.key, v.value), '{}')::text
    from jsonb_each(c.custom_fields) v join custom_fields f on f.tenant_id = c.tenant_id and f.project_id = c.project_id
        and f.key = v.key and f.deleted_at is null) end as custom_fields"""

COLUMNS = f"""c.tenant_id, c.project_id, c.version, c.created_at, c.updated_at, c.deleted_at, c.name, c.name_source, c.email,
    c.phone, c.external_id, c.source_channel, c.language, c.timezone, c.tags, c.opted_out, c.opted_out_at, c.origin,
    c.first_interaction_at, c.last_interaction_at, c.merged_into_id, {DEFINED_VALUES}, {IDENTITIES}"""

ONE = f"select c.id, {COLUMNS} from contacts c where c.tenant_id = $1 and c.id = $2 and c.deleted_at is null"

# What is filtered by is named beside the columns that are shown. A day is what the index of last interactions knows.
SHOWN = f"""{COLUMNS}, c.name_folded, c.phone_key, c.tag_keys, c.last_interaction_day,
        coalesce(c.last_interaction_at, '1970-01-01 00:00:00+00') as last_interaction_order"""
OF_PROJECT = "c.tenant_id = $1 and c.project_id = $2 and c.merged_into_id is null and c.erased_at is null"

CONTACTS = Listing(
    select=f"""
select * from (
    select c.id, {SHOWN} from contacts c where {OF_PROJECT}
) c where true
""",
    sorts={
        "created_at": "created_at timestamptz",
        "updated_at": "updated_at timestamptz",
        "name": "name_folded text",
        "last_interaction_at": "last_interaction_day timestamptz, last_interaction_order timestamptz",
    },
    filters={
        # No LIKE: the planner believes to know how rare its pattern is, and reads and sorts a whole project for a page of a frequent name.
        "name": "strpos(name_folded, {}) > 0",
        "phone": "phone_key = {}",
        "email": "email = {}",
        "external_id": "external_id = {}",
        "tags": """exists (select from contact_tags t where t.tenant_id = $1 and t.project_id = $2
            and t.tag_key = any({}::text[]) and t.contact_id = c.id)""",
        # Where deleted contacts are shown, too: their tags are in no index.
        "tags_unindexed": "tag_keys && {}::text[]",
        "tags_all": "tag_keys @> {}::text[]",
        "rarest_tag": """exists (select from contact_tags t where t.tenant_id = $1 and t.project_id = $2
            and t.tag_key = {}::text and t.contact_id = c.id)""",
        "source_channel": "source_channel = any({}::text[])",
        "channel_id": """exists (select from channel_identities i where i.tenant_id = $1 and i.project_id = $2
            and i.channel_id = {}::uuid and i.contact_id = c.id and i.ended_at is null)""",
        "opted_out": "opted_out = {}",
        "created_after": "created_at >= {}",
        "created_before": "created_at < {}",
        "updated_after": "updated_at >= {}",
        "updated_before": "updated_at < {}",
        "last_interaction_after": """last_interaction_at >= {}
            and last_interaction_day >= date_bin('1 day', {}, timestamptz '2000-01-01 00:00:00+00')""",
        "last_interaction_before": "last_interaction_at < {} and last_interaction_day <= {}",
    },
    live="deleted_at is null",
)

# The contacts of one tag ($3) by their ids, and so in the order in which they were made, as the key of the tags has them: a page is read
# from its end, however many carry the tag. Without the offset the planner would take the join apart, and sort them all.
CONTACTS_WITH_TAG = Listing(
    select=f"""
select * from (
    select t.contact_id as id, c.* from contact_tags t cross join lateral (
        select {SHOWN} from contacts c where c.id = t.contact_id and {OF_PROJECT} and c.deleted_at is null offset 0
    ) c
    where t.tenant_id = $1 and t.project_id = $2 and t.tag_key = $3
) c where true
""",
    sorts={"created_at": ""},
    filters=CONTACTS.filters,
)
