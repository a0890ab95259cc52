"""What we know of a contact, from events that arrive in any order.

`contact.created` and `contact.updated` carry all of it (a snapshot); other events tell of one tag, one field, or of being deleted.
All carry the contact's version, so the outcome never depends on the order of arrival: the newest snapshot wins, and single
changes that are newer than it are laid over it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All of a contact as of `version`."""

    version: int
    name: str
    email: str | None = None
    phone: str | None = None
    external_id: str | None = None
    language: str | None = None
    timezone: str | None = None
    source_channel: str | None = None
    tags: tuple[str, ...] = ()
    custom_fields: dict[str, Any] = field(default_factory=dict)
    opted_out: bool = False
    met_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TagChange:
    """A tag came or went."""

    version: int
    tag: str
    present: bool


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A custom field got a value, or lost it (None)."""

    version: int
    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class LifeChange:
    """The contact was deleted, or came back."""

    version: int
    deleted: bool


Entrance = tuple[str, str, str | None]
"""Tenant, project, and the channel through which we meet somebody, where there is one."""
Change = Snapshot | TagChange | FieldChange | LifeChange
_Single = TypeVar("_Single", TagChange, FieldChange)


@dataclass(slots=True, kw_only=True)
class KnownContact:
    """One contact. Without a snapshot it is only known to exist.

    `later_tags` and `later_fields` are the single changes that are newer than the snapshot, by the tag without case and by key.
    `channel_id` is the channel through which we met; `first_place`: nobody has told us that we met, it waits for its place, it has or
    had it. `new`: nothing of it is stored yet.
    """

    tenant_id: str
    project_id: str
    id: str
    snapshot: Snapshot | None = None
    later_tags: dict[str, TagChange] = field(default_factory=dict)
    later_fields: dict[str, FieldChange] = field(default_factory=dict)
    life: LifeChange = LifeChange(0, deleted=False)
    channel_id: str | None = None
    first_place: Literal["unmet", "waiting", "settled"] = "unmet"
    new: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """Return tenant, project and contact."""
        return (self.tenant_id, self.project_id, self.id)

    @property
    def entrance(self) -> Entrance:
        """Return how we met."""
        return (self.tenant_id, self.project_id, self.channel_id)

    @property
    def waits(self) -> bool:
        """Tell whether it is to get its first place; who is deleted gets it when they are back."""
        return self.first_place == "waiting" and not self.life.deleted

    def meet(self, channel_id: str | None) -> None:
        """Note that we met, perhaps through a channel; whom we met before we do not meet anew."""
        if self.first_place == "unmet":
            self.first_place, self.channel_id = "waiting", channel_id

    def settle(self) -> None:
        """Note that it waits no longer."""
        self.first_place = "settled"

    def hear(self, change: Change) -> None:
        """Take in what was heard; what is older than what we know changes nothing."""
        if isinstance(change, Snapshot):
            if change.version > self._version:
                self.snapshot = change
                self.later_tags = {key: each for key, each in self.later_tags.items() if each.version > change.version}
                self.later_fields = {
                    key: each for key, each in self.later_fields.items() if each.version > change.version
                }
        elif isinstance(change, LifeChange):
            if change.version > self.life.version:
                self.life = change
        elif isinstance(change, TagChange):
            _lay(self.later_tags, change.tag.casefold(), change, self._version)
        else:
            _lay(self.later_fields, change.key, change, self._version)

    @property
    def tags(self) -> tuple[str, ...]:
        """Return the tags as of now, in the order in which they came."""
        tags = {tag.casefold(): tag for tag in (self.snapshot.tags if self.snapshot else ())}
        for key, change in sorted(self.later_tags.items(), key=lambda item: (item[1].version, item[0])):
            tags.pop(key, None)
            if change.present:
                tags[key] = change.tag
        return tuple(tags.values())

    @property
    def custom_fields(self) -> dict[str, Any]:
        """Return the custom fields that have a value now."""
        fields = dict(self.snapshot.custom_fields) if self.snapshot else {}
        fields |= {key: change.value for key, change in self.later_fields.items()}
        return {key: value for key, value in fields.items() if value is not None}

    @property
    def _version(self) -> int:
        return self.snapshot.version if self.snapshot else 0


def _lay(later: dict[str, _Single], key: str, change: _Single, snapshot_version: int) -> None:
    known = later.get(key)
    if change.version > (known.version if known else snapshot_version):
        later[key] = change
