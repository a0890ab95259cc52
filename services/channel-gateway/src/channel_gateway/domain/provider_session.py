"""A channel and its session at the provider: what a report of the one makes of the other. Rules: domain 6.1 and 6.2."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from channel_gateway.domain.inbound import LimitKind, NewChatLimit, OwnNumber, SessionReport

STATUS_OF: Mapping[str, str] = MappingProxyType(
    {
        "STARTING": "connecting",
        "SCAN_QR_CODE": "connecting",
        "PASSKEY_REQUIRED": "connecting",
        "PASSKEY_CONFIRMATION_REQUIRED": "connecting",
        "WORKING": "active",
        "STOPPED": "disconnected",
        "FAILED": "error",
        "UNAUTHORIZED": "error",
    }
)
"""What each of the provider's words makes of a channel; one that is not here makes nothing of it."""

ENTERED_FROM: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "connecting": frozenset({"activating", "active", "disconnected"}),
        "active": frozenset({"activating", "connecting", "disconnected", "error"}),
        "disconnected": frozenset({"active", "connecting"}),
        "error": frozenset({"activating", "connecting", "active", "disconnected"}),
    }
)
"""A channel that is inactive stays so: what its session does is no concern of ours until somebody activates it."""

LATEST = timedelta(days=7)
"""No delivery is later than that: what seems to be older was told by another clock, and the order of arrival counts."""

WAITS_FOR_SCAN = "SCAN_QR_CODE"
UNHEARD = "UNKNOWN"
"""The word of a session that has not reported yet."""


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """What changes together: the channel's status and version, and what the provider last said (None: nothing yet)."""

    tenant_id: str
    project_id: str
    channel_id: str
    version: int
    status: str
    external_id: str | None = None
    engine: str | None = None
    provider_status: str | None = None
    provider_version: str | None = None
    told_at: datetime | None = None
    me: OwnNumber | None = None
    limits: Mapping[LimitKind, NewChatLimit] = field(default_factory=dict)
    reason: str | None = None
    at: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Tenant and channel."""
        return self.tenant_id, self.channel_id

    @property
    def wants_restart(self) -> bool:
        """Tell whether a restart may help."""
        return self.status == "error" and self.provider_status == "FAILED" and not self.locked_at(self.at)

    @property
    def reports_failure(self) -> bool:
        """Tell whether the provider says of it that it has failed."""
        return STATUS_OF.get(self.word) == "error"

    def locked_at(self, at: datetime | None) -> bool:
        """Tell whether new chats are locked then: nothing is restarted meanwhile. Source: guide 15.2."""
        lock = self.limits.get("reach_out_timelock")
        return lock is not None and lock.active and (lock.until is None or at is None or lock.until > at)

    @property
    def waits_for_scan(self) -> bool:
        return self.provider_status == WAITS_FOR_SCAN

    def hear(self, report: SessionReport) -> "ProviderSession":
        """Return what it is after a report: itself where the report is old or says nothing new."""
        if self.knows_newer_than(report):
            return self
        status = self._status_after(report.status)
        changed = status != self.status
        me = report.me or self.me
        works = status == "active" and me is not None and (changed or self.external_id is None)
        after = replace(
            self,
            version=self.version + changed,
            status=status,
            external_id=me.id if works and me else self.external_id,
            engine=report.engine or self.engine,
            provider_status=report.status,
            provider_version=report.version or self.provider_version,
            told_at=report.told_at or self.told_at,
            me=me,
            limits={**self.limits, **{limit.kind: limit for limit in report.limits}},
            reason=self._reason_after(report, status),
            at=report.at,
        )
        return self if replace(after, at=self.at) == self else after

    def ask(self, at: datetime) -> "ProviderSession":
        """Return what it is once somebody wants it to work; itself where it is on its way already."""
        if self.status not in ("inactive", "error", "disconnected"):
            return self
        return replace(
            self, version=self.version + 1, status="activating", provider_status=self.word, reason=None, at=at
        )

    def rest(self, at: datetime) -> "ProviderSession":
        """Return what it is once somebody wants it to rest."""
        return replace(self, version=self.version + 1, status="inactive", provider_status=self.word, reason=None, at=at)

    @property
    def word(self) -> str:
        """Return the provider's word for its state, also before it has reported."""
        return self.provider_status or UNHEARD

    def fall(self, status: str, reason: str, at: datetime) -> "ProviderSession":
        """Return what it is once we found out by ourselves that it does not work; itself where it cannot become so."""
        if status == self.status or self.status not in ENTERED_FROM.get(status, ()):
            return self
        return replace(self, version=self.version + 1, status=status, provider_status=self.word, reason=reason, at=at)

    def limit(self, limit: NewChatLimit, at: datetime) -> "ProviderSession":
        """Return what it is once a send has met a limit; itself where that limit is known to last as long."""
        known = self.limits.get(limit.kind)
        if (
            known is not None
            and known.active
            and (known.until is None or limit.until is None or known.until >= limit.until)
        ):
            return self
        return replace(self, provider_status=self.word, limits={**self.limits, limit.kind: limit}, at=at)

    def limits_beyond(self, before: "ProviderSession") -> list[NewChatLimit]:
        """Return the limits that have changed since `before`."""
        return [limit for kind, limit in self.limits.items() if limit != before.limits.get(kind)]

    def knows_newer_than(self, report: SessionReport) -> bool:
        """Tell whether a report comes after one that was made later."""
        if self.told_at is None or report.told_at is None:
            return False
        return timedelta() < self.told_at - report.told_at <= LATEST

    def _reason_after(self, report: SessionReport, status: str) -> str | None:
        if status == self.status:
            return self.reason
        return f"the provider's session is {report.status}" if status in ("disconnected", "error") else None

    def _status_after(self, word: str) -> str:
        status = STATUS_OF.get(word, self.status)
        return status if self.status in ENTERED_FROM.get(status, ()) else self.status
