"""Register: a new tenant with its owner, a default project, the owner's agent, and a first API key."""

import secrets
from dataclasses import dataclass, field, replace

from kernel.cause import Cause
from kernel.errors import DomainError

from identity.application.begin_sign_in import Tokens, begin_sign_in
from identity.application.work import Means, Work
from identity.domain.account import NewAccount, User, read_language, read_timezone
from identity.domain.credentials import make_api_key
from identity.domain.password_rule import check_password, normalised
from identity.domain.rights import Terms
from identity.domain.slug import slug_of, with_suffix

SUFFIX_BYTES = 3
MOST_SUFFIXES = 5


@dataclass(frozen=True)
class Registration:
    """What somebody tells about themselves. A role is not among it: whoever registers owns a new tenant, and nothing else."""

    name: str
    email: str
    password: str = field(repr=False)
    company: str | None = None
    timezone: str | None = None
    language: str | None = None


@dataclass(frozen=True)
class Registered:
    """What came of it, shown once."""

    account: NewAccount
    api_key: str = field(repr=False)
    tokens: Tokens


async def register_account(asked: Registration, tenant_id: str, *, by: Cause, means: Means, work: Work) -> Registered:
    """Make everything in this one transaction; raise already_exists for a known e-mail, with nothing changed."""
    timezone, language = read_timezone(asked.timezone), read_language(asked.language)
    check_password(asked.password, email=asked.email, name=asked.name)
    if await work.accounts.find_by_email(asked.email) is not None:
        raise DomainError("already_exists", "that e-mail address is registered; sign in instead")
    company = asked.company or asked.name
    account = NewAccount(
        tenant_id=tenant_id,
        user_id=work.new_id(),
        member_id=work.new_id(),
        project_id=work.new_id(),
        project_member_id=work.new_id(),
        agent_id=work.new_id(),
        pipeline_id=work.new_id(),
        company=company,
        slug=await _free_slug(company, work),
        name=asked.name,
        email=asked.email,
        password_hash=await means.passwords.hash(normalised(asked.password)),
        language=language,
        timezone=timezone,
    )
    by = replace(by, tenant_id=tenant_id, actor=f"user:{account.user_id}")
    await work.accounts.open(account, work.now)
    work.announcements.account_opened(account, by)
    key = await _first_key(account, by, work)
    user = User(tenant_id, account.user_id, account.name, account.email, language, timezone, owner=True, active=True)
    signed_in = await begin_sign_in(user, None, means=means, work=work)
    return Registered(account, key, signed_in.tokens)


async def _first_key(account: NewAccount, by: Cause, work: Work) -> str:
    key = make_api_key()
    terms = Terms("admin", True, None, None, None)
    row = await work.api_keys.keep(
        account.tenant_id,
        work.new_id(),
        account.user_id,
        account.key_name,
        key.prefix,
        key.hash,
        terms,
        work.now,
    )
    work.announcements.api_key_created(row, by)
    return key.text


async def _free_slug(company: str, work: Work) -> str:
    """Two who take the same one at once meet at its unique key, and the second looks again."""
    slug = wanted = slug_of(company)
    for _ in range(MOST_SUFFIXES):
        if not await work.accounts.slug_is_taken(slug):
            return slug
        slug = with_suffix(wanted, secrets.token_hex(SUFFIX_BYTES))
    raise DomainError("conflict", "no free short name was found")
