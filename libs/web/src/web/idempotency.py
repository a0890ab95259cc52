"""`Idempotency-Key`: one effect and one answer, however often a request is sent.

The answer is kept in the service's own schema, in the transaction of the effect, for 24 hours. The key belongs to
tenant and credential. While the first request runs, its advisory lock makes the others answer 409 at once.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kernel.clock import Clock, utc_now
from kernel.errors import DomainError, FieldError
from outbox.work import Works
from postgres.database import Connection
from postgres.walls import finder_function, finder_may_read, protect
from starlette.requests import Request
from starlette.responses import Response
from telemetry.metrics import counter

from web.exchange import Exchange
from web.works import Scope

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEPT_FOR = timedelta(hours=24)
CLAIMED_FOR = timedelta(seconds=60)
"""How long a claim without an answer holds: longer than any request may take."""

_KEPT_HEADERS = ("content-type", "etag", "location", "link")
_NEVER_KEPT = (400, 401, 403, 413, 429)

REPLAYS = counter("idempotency_replays_total", "answers given again", ("route",))
CONFLICTS = counter("idempotency_conflicts_total", "keys refused", ("route",))


def TABLE_SQL(schema: str) -> str:  # noqa: N802 - it stands in migrations as a constant would
    """Return the statements for a service's first migration: the table, its wall, and what its cleaner looks with."""
    look = "select distinct tenant_id from {schema}.idempotency_keys where created_at < before limit 1000"
    signature = "tenants_with_old_idempotency_keys(before timestamptz)"
    return (
        _TABLE.format(schema=schema)
        + protect(schema, "idempotency_keys")
        + finder_may_read(schema, "idempotency_keys")
        + finder_function(schema, signature, "setof uuid", look.format(schema=schema))
    )


_TABLE = """
create table {schema}.idempotency_keys (
    tenant_id uuid not null,
    credential_id uuid not null,
    key text not null,
    fingerprint bytea not null,
    -- null while a request that commits in steps is running
    status smallint,
    headers jsonb not null default '{{}}',
    body bytea not null default '',
    created_at timestamptz not null default now(),
    primary key (tenant_id, credential_id, key)
);
create index idempotency_keys_by_age on {schema}.idempotency_keys (created_at);
"""


async def delete_expired(works: Works, clock: Clock = utc_now) -> int:
    """Delete what is older than 24 hours, tenant by tenant; return how many went. Safe to call anywhere, any time."""
    before = clock() - KEPT_FOR
    async with works.begin([]) as work:
        tenants = await work.connection.fetch("select tenants_with_old_idempotency_keys($1) as tenant_id", before)
    deleted = 0
    for tenant in tenants:
        async with works.begin([str(tenant["tenant_id"])]) as work:
            done = await work.connection.execute(
                "delete from idempotency_keys where tenant_id = $1 and created_at < $2", tenant["tenant_id"], before
            )
            deleted += int(done.rpartition(" ")[2])
    return deleted


def may_be_kept(status: int) -> bool:
    """Tell whether an answer with that status is kept; otherwise the key may be used again."""
    return status < 500 and status not in _NEVER_KEPT


@dataclass(frozen=True, slots=True)
class Claim:
    """One request that came with a key. `sealed` answers hold a secret and are kept encrypted."""

    scope: Scope
    key: str
    fingerprint: bytes
    route: str
    sealed: bool

    @property
    def place(self) -> tuple[str, str, str]:
        """Return the primary key."""
        return self.scope.tenant_id, self.scope.credential_id, self.key


async def claim_of(
    request: Request, exchange: Exchange, scope: Scope, idempotency: "Idempotency", *, secret: bool
) -> Claim | None:
    """Return the claim of a POST that carries a key, else None; raise validation_failed for a malformed key."""
    if request.method != "POST":
        return None
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    key = keys[0]
    if len(keys) > 1 or not 1 <= len(key) <= 255 or not all("!" <= character <= "~" for character in key):
        field = FieldError("#Idempotency-Key", "bad_format", "1 to 255 visible ASCII characters expected")
        raise DomainError("validation_failed", "1 field needs attention", fields=(field,))
    fingerprint = idempotency.fingerprint(
        request.method, request.scope["path"], request.scope["query_string"], await request.body()
    )
    return Claim(scope, key, fingerprint, exchange.route, secret)


_LOCK_ALL = "select lock, pg_try_advisory_xact_lock(lock) from unnest($1::bigint[]) as n (lock)"
_LOOK_ALL = """
select k.tenant_id::text, k.credential_id::text, k.key, k.fingerprint, k.status, k.headers, k.body,
    k.created_at < now() - $5::interval as abandoned
from unnest($1::uuid[], $2::uuid[], $3::text[]) as n (tenant_id, credential_id, key)
join idempotency_keys k on k.tenant_id = n.tenant_id and k.credential_id = n.credential_id and k.key = n.key
where k.created_at > now() - $4::interval
"""
_KEEP_ALL = """
insert into idempotency_keys (tenant_id, credential_id, key, fingerprint, status, headers, body)
select tenant_id, credential_id, key, fingerprint, status, headers::jsonb, body
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::smallint[], $6::text[], $7::bytea[])
    as n (tenant_id, credential_id, key, fingerprint, status, headers, body)
order by tenant_id, credential_id, key
on conflict (tenant_id, credential_id, key) do update set fingerprint = excluded.fingerprint, status = excluded.status,
    headers = excluded.headers, body = excluded.body, created_at = excluded.created_at
"""


class Idempotency:
    """The kept answers of one service."""

    def __init__(self, service: str, sealing_key: bytes | None = None) -> None:
        """`sealing_key`: 32 bytes that encrypt answers which hold a secret; needed only where there are such."""
        if sealing_key is not None and len(sealing_key) != 32:
            raise ValueError("the sealing key must have 32 bytes")
        self._service = service
        self._sealing_key = sealing_key

    def fingerprint(self, *parts: str | bytes) -> bytes:
        """Return what tells two requests apart. Keyed where possible: bodies may hold passwords."""
        hashed = hashlib.blake2b(key=self._sealing_key or b"", digest_size=32)
        for part in parts:
            raw = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
            hashed.update(len(raw).to_bytes(8, "big") + raw)
        return hashed.digest()

    async def look(self, connection: Connection, claim: Claim) -> Response | None:
        """Return the kept answer, or None for a first use. Until the transaction ends, nobody else uses the key.

        Raises idempotency_in_progress or idempotency_key_reused.
        """
        if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", self._lock_of(claim)):
            raise in_progress(claim)
        # A statement of its own: it must see what the last holder of the lock has committed.
        row = await connection.fetchrow(
            "select fingerprint, status, headers, body, created_at < now() - $5::interval as abandoned"
            " from idempotency_keys where tenant_id = $1 and credential_id = $2 and key = $3"
            " and created_at > now() - $4::interval",
            *claim.place,
            KEPT_FOR,
            CLAIMED_FOR,
        )
        return None if row is None else self._again(claim, row)

    async def look_all(
        self, connection: Connection, claims: Sequence[Claim]
    ) -> dict[tuple[str, str, str], Response | DomainError]:
        """Return by its place what each claim that is not fresh is answered, as `look` does for one. Each place once."""
        if not claims:
            return {}
        locks = [self._lock_of(claim) for claim in claims]
        free = {row[0] for row in await connection.fetch(_LOCK_ALL, locks) if row[1]}
        mine = {claim.place: claim for claim, lock in zip(claims, locks, strict=True) if lock in free}
        found: dict[tuple[str, str, str], Response | DomainError] = {
            claim.place: in_progress(claim) for claim in claims if claim.place not in mine
        }
        for row in await connection.fetch(_LOOK_ALL, *_columns_of(list(mine)), KEPT_FOR, CLAIMED_FOR):
            claim = mine[row["tenant_id"], row["credential_id"], row["key"]]
            try:
                answer = self._again(claim, row)
            except DomainError as error:
                found[claim.place] = error
            else:
                if answer is not None:
                    found[claim.place] = answer
        return found

    def _again(self, claim: Claim, row: Mapping[str, Any]) -> Response | None:
        """Return the answer that a row keeps, None where whoever claimed it has died."""
        if row["status"] is None and row["abandoned"]:
            return None
        if row["fingerprint"] != claim.fingerprint:
            CONFLICTS.labels(claim.route).inc()
            raise DomainError("idempotency_key_reused", "the key was used for another request")
        if row["status"] is None:
            raise in_progress(claim)
        REPLAYS.labels(claim.route).inc()
        body = self._open(claim, row["body"]) if claim.sealed else row["body"]
        return Response(body, row["status"], {**json.loads(row["headers"]), "Idempotent-Replayed": "true"})

    async def claim(self, connection: Connection, claim: Claim) -> None:
        """Note that a request with this key is running."""
        await self._write(connection, claim, None, {}, b"")

    async def keep(self, connection: Connection, claim: Claim, response: Response, exchange: Exchange) -> None:
        """Keep an answer."""
        body = bytes(response.body)
        await self._write(
            connection,
            claim,
            response.status_code,
            _kept_headers(response, exchange),
            self._seal(claim, body) if claim.sealed else body,
        )

    async def keep_all(self, connection: Connection, answers: Sequence[tuple[Claim, Response, Exchange]]) -> None:
        """Keep answers that hold no secret, each of another place."""
        if answers:
            await connection.execute(
                _KEEP_ALL,
                *_columns_of([claim.place for claim, _, _ in answers]),
                [claim.fingerprint for claim, _, _ in answers],
                [response.status_code for _, response, _ in answers],
                [json.dumps(_kept_headers(response, exchange)) for _, response, exchange in answers],
                [bytes(response.body) for _, response, _ in answers],
            )

    async def forget(self, connection: Connection, claim: Claim) -> None:
        """Let the key be used again."""
        await connection.execute(
            "delete from idempotency_keys where tenant_id = $1 and credential_id = $2 and key = $3 and status is null",
            *claim.place,
        )

    async def _write(
        self, connection: Connection, claim: Claim, status: int | None, headers: dict[str, str], body: bytes
    ) -> None:
        await connection.execute(
            "insert into idempotency_keys (tenant_id, credential_id, key, fingerprint, status, headers, body)"
            " values ($1, $2, $3, $4, $5, $6::jsonb, $7) on conflict (tenant_id, credential_id, key) do update set"
            " fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers,"
            " body = excluded.body, created_at = excluded.created_at",
            *claim.place,
            claim.fingerprint,
            status,
            json.dumps(headers),
            body,
        )

    def _lock_of(self, claim: Claim) -> int:
        parts: Sequence[str] = (self._service, *claim.place)
        digest = hashlib.blake2b("\x00".join(parts).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)

    def _seal(self, claim: Claim, body: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._cipher().encrypt(nonce, body, self._bound_to(claim))

    def _open(self, claim: Claim, sealed: bytes) -> bytes:
        return self._cipher().decrypt(sealed[:12], sealed[12:], self._bound_to(claim))

    def _cipher(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        assert self._sealing_key is not None
        return AESGCM(self._sealing_key)

    def _bound_to(self, claim: Claim) -> bytes:
        return "\x00".join(claim.place).encode()


def in_progress(claim: Claim) -> DomainError:
    """Return what the second of two requests with one key is told."""
    CONFLICTS.labels(claim.route).inc()
    return DomainError("idempotency_in_progress", "the same request is still running")


def _kept_headers(response: Response, exchange: Exchange) -> dict[str, str]:
    headers = {name: value for name, value in response.headers.items() if name in _KEPT_HEADERS}
    if exchange.version is not None and response.status_code < 300:
        headers["etag"] = f'"{exchange.version}"'
    return headers


def _columns_of(places: Sequence[tuple[str, str, str]]) -> tuple[list[str], list[str], list[str]]:
    return [each[0] for each in places], [each[1] for each in places], [each[2] for each in places]
