"""The composition root: the only file that names every concrete class."""

import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from bus.subscription import Subscription
from contracts.envelope import AnyEvent
from kernel.failpoints import Failpoints
from kernel.failures import Failure
from kernel.running import Role
from kernel.settings import Environment, SettingsError
from outbox.parked import describe, park
from outbox.work import UnitOfWork, Works
from postgres.failures import classify
from runtime.parts import Parts
from runtime.service import Blueprint
from web.client_addresses import ClientAddresses

from channel_gateway.adapters.channel_checks_in_postgres import ChannelChecksInPostgres
from channel_gateway.adapters.channels_in_postgres import CHANNELS, ChannelsInPostgres, readable
from channel_gateway.adapters.credentials_in_postgres import CredentialsInPostgres
from channel_gateway.adapters.deliveries_in_postgres import LISTING, DeliveriesInPostgres
from channel_gateway.adapters.due_in_postgres import DueInPostgres
from channel_gateway.adapters.due_rows import DueRows
from channel_gateway.adapters.held_deliveries_in_postgres import HeldDeliveriesInPostgres
from channel_gateway.adapters.host_addresses import addresses_of
from channel_gateway.adapters.old_deliveries import OldDeliveries
from channel_gateway.adapters.receiving_channels_in_postgres import ReceivingChannelsInPostgres
from channel_gateway.adapters.send_outcomes_in_postgres import SendOutcomesInPostgres
from channel_gateway.adapters.send_queue_in_postgres import SendQueueInPostgres
from channel_gateway.adapters.send_requests_in_postgres import SendRequestsInPostgres
from channel_gateway.adapters.send_rows import SENDS
from channel_gateway.adapters.senders_in_postgres import SendersInPostgres
from channel_gateway.adapters.sessions_in_postgres import SessionsInPostgres
from channel_gateway.adapters.vault import SealBroken, Vault, read_keys
from channel_gateway.adapters.waha.client import WahaClient
from channel_gateway.adapters.waha.messenger import WahaMessenger
from channel_gateway.adapters.waha.provider_sessions import WahaSessions
from channel_gateway.adapters.waha.webhooks import WahaWebhooks
from channel_gateway.adapters.work_notices import WorkNotices
from channel_gateway.application.accept_deliveries import accept_deliveries, accept_unspeakable
from channel_gateway.application.announcements import WEBHOOK_CONSUMER, Announcements, WaitingForPeople
from channel_gateway.application.bring_up_channels import BringUpChannels
from channel_gateway.application.door_limits import DoorLimits, Window
from channel_gateway.application.end_sends import end_sends
from channel_gateway.application.group_commit import GroupCommit, Pace
from channel_gateway.application.look_for_sends import LookForSends
from channel_gateway.application.provider import Provider
from channel_gateway.application.receive_webhook import ReceiveWebhook
from channel_gateway.application.redrive_delivery import redrive_delivery
from channel_gateway.application.release_deliveries import release_deliveries
from channel_gateway.application.send_messages import Sender, SenderSettings
from channel_gateway.application.sends import SendTables
from channel_gateway.application.work import Work
from channel_gateway.domain.delivery import Delivery, State
from channel_gateway.domain.outgoing_addresses import OutgoingAddresses, Resolve
from channel_gateway.domain.sending import Patience
from channel_gateway.entrypoints.events import (
    on_channel_activation_requested,
    on_identity_project_activated,
    on_identity_project_deactivated,
    on_identity_project_deleted,
    on_message_cancel_requested,
    on_message_send_requested,
)
from channel_gateway.entrypoints.http.channel_status import channel_status_routes
from channel_gateway.entrypoints.http.channel_work import Providers, channel_work_routes
from channel_gateway.entrypoints.http.channels import Surroundings, channel_routes
from channel_gateway.entrypoints.http.waha_webhook import WahaWebhookDoor
from channel_gateway.entrypoints.http.webhook_info import webhook_info_routes
from channel_gateway.settings import DoorSettings, Settings, read_settings

SERVICE = "channel-gateway"

HEARD = (
    on_message_send_requested,
    on_message_cancel_requested,
    on_channel_activation_requested,
    on_identity_project_deactivated,
    on_identity_project_activated,
    on_identity_project_deleted,
)
"""The modules of all subscriptions. Each has a handler of its own name, and says what it HEARS."""


class Assembly:
    """The parts of this service, put together around a database."""

    def __init__(
        self,
        works: Works,
        settings: Settings,
        *,
        failpoints: Failpoints,
        provider: Provider | None = None,
        resolve: Resolve = addresses_of,
        listen_dsn: str | None = None,
    ) -> None:
        """`provider` and `resolve` stand in for WAHA's dialect and the system's resolver in tests.

        With `listen_dsn` commits of other processes wake what works here.
        """
        self.works = works
        self.settings = settings
        self.failpoints = failpoints
        self.vault = Vault(read_keys(settings.encryption_keys))
        self.provider: Provider = provider or WahaWebhooks()
        self.receiving = ReceivingChannelsInPostgres(works.database, self.vault)
        self.commits: GroupCommit[Delivery, State] = GroupCommit(
            self._store,
            self._salvage,
            classify=classify,
            weigh=lambda delivery: len(delivery.raw),
            pace=Pace(most=settings.ingest_batch_max, wait_s=settings.ingest_batch_wait_s),
        )
        self.receive = ReceiveWebhook(
            self.receiving,
            self.provider,
            self.commits.join,
            _limits_of(settings.door),
            address_of=ClientAddresses(settings.door.trusted_proxies).of,
            clock=works.clock,
            new_id=works.new_id,
        )
        self.door = WahaWebhookDoor(self.receive, max_bytes=settings.max_webhook_bytes, failpoints=self.failpoints)
        own = {_host_and_port(address) for address in (settings.app_base_url, settings.webhook_base_url)}
        self.addresses = OutgoingAddresses(resolve, allowed=settings.outbound_allowed_hosts, own_hosts=own)

        self._assemble_sending(listen_dsn)

    def _assemble_sending(self, listen_dsn: str | None) -> None:
        sending = self.settings.sending
        self.patience = Patience(looks_s=sending.looks_s, repeat_after=sending.repeat_after, hold_s=sending.hold_s)
        client = WahaClient(self.addresses, answer_s=sending.answer_s)
        messenger, due = WahaMessenger(client), DueInPostgres(self.works)
        looking = LookForSends(self.begin, messenger, self.patience, self.works.clock)
        self.provider_sessions = WahaSessions(client)
        bringing_up = BringUpChannels(self.begin, self.provider_sessions)

        async def to_end(most: int) -> Sequence[tuple[str, str]]:
            await due.measure()
            return await due.sends_to_end(most)

        released = DueRows("held deliveries", due.held_deliveries, self._release, every_s=0.5)
        checks = DueRows("channel checks", due.checks, bringing_up.check, every_s=1.0)
        self.sender = Sender(
            self.begin,
            due.channels_to_serve,
            messenger,
            SenderSettings(sending.lease_s, 1.0, sending.parallel, sending.paced, self.patience),
            holder=self.works.new_id(),
            is_passing=lambda error: classify(error) is not Failure.DETERMINISTIC,
            on_stored=released.wake,
            failpoints=self.failpoints,
        )
        self.sending_roles: list[Role] = [
            checks,
            DueRows("unknown sends", due.sends_to_look_up, looking.look, every_s=1.0),
            DueRows("sends to end", to_end, self._end_sends, every_s=5.0),
            released,
        ]
        if listen_dsn is not None:
            wakes = {"sends": lambda: self.sender.wake(news=True), "checks": checks.wake}
            self.sending_roles.append(WorkNotices(listen_dsn, wakes))
        self.sending_roles.append(self.sender)  # last: it closes the connections

    @asynccontextmanager
    async def begin(self, tenants: Iterable[str]) -> AsyncIterator[Work]:
        """Open a transaction of these tenants."""
        async with self.works.begin(tenants) as work:
            yield self.work_of(work)

    def work_of(self, work: UnitOfWork) -> Work:
        """Return what the use cases work with, inside this transaction."""

        async def park_deliveries(items: Sequence[WaitingForPeople]) -> None:
            await park(work.connection, items, work.new_id)

        return Work(
            channels=ChannelsInPostgres(work.connection),
            sessions=SessionsInPostgres(work.connection),
            credentials=CredentialsInPostgres(work.connection, self.vault, work.new_id),
            deliveries=DeliveriesInPostgres(work.connection),
            sending=SendTables(
                requests=SendRequestsInPostgres(work.connection),
                queue=SendQueueInPostgres(work.connection),
                outcomes=SendOutcomesInPostgres(work.connection),
                senders=SendersInPostgres(work.connection, self.vault),
                held=HeldDeliveriesInPostgres(work.connection, self.patience.hold_s),
                window=timedelta(seconds=self.patience.window_s),
            ),
            checks=ChannelChecksInPostgres(work.connection, self.vault, self.settings.webhook_base_url),
            announcements=Announcements(work.say, work.new_id, work.now),
            park=park_deliveries,
            new_id=work.new_id,
            now=work.now,
        )

    def blueprint(self, subscriptions: Sequence[Subscription] = ()) -> Blueprint:
        """Return what the service adds to the parts that every service has."""
        around = Surroundings(
            works=self.works,
            work_of=self.work_of,
            addresses=self.addresses,
            webhook_base_url=self.settings.webhook_base_url,
            changed=self.receiving.forget,
            channels=CHANNELS,
            deliveries=LISTING,
            readable=readable,
        )
        return Blueprint(
            subscriptions=subscriptions,
            routes=[
                channel_routes(around),
                channel_status_routes(self.work_of),
                channel_work_routes(around, Providers(self.provider_sessions, self.begin, SENDS)),
                webhook_info_routes(self.settings.max_webhook_bytes),
            ],
            roles=[
                *(("work", role) for role in self.sending_roles),
                ("work", OldDeliveries(self.works, self.settings.delivery_days)),
            ],
            redrives={WEBHOOK_CONSUMER: self._redrive},
            door=self.door,
        )

    async def _store(self, deliveries: Sequence[Delivery]) -> Sequence[State]:
        async with self.works.begin({delivery.channel.tenant_id for delivery in deliveries}) as work:
            states = await accept_deliveries(deliveries, self.work_of(work))
            self.failpoints.reach("ingress.before_commit")
        self.failpoints.reach("ingress.after_commit")
        return states

    async def _salvage(self, delivery: Delivery, error: BaseException) -> State:
        async with self.works.begin([delivery.channel.tenant_id]) as work:
            return await accept_unspeakable(delivery, describe(error), self.work_of(work))

    async def _release(self, due: Sequence[tuple[str, str]]) -> int:
        async with self.begin({tenant_id for tenant_id, _ in due}) as work:
            return await release_deliveries(due, self.provider, self.patience, work)

    async def _end_sends(self, due: Sequence[tuple[str, str]]) -> int:
        async with self.begin({tenant_id for tenant_id, _ in due}) as work:
            return await end_sends(due, work)

    async def _redrive(self, parked: Mapping[str, Any], work: UnitOfWork) -> None:
        await redrive_delivery(parked, self.work_of(work), self.provider)


async def build(parts: Parts) -> Blueprint:
    """Put the service together. Raises SettingsError for a missing or wrong key."""
    env = Environment(os.environ)
    settings = read_settings(env)
    env.check()
    listen_dsn = parts.settings.database.app_url
    assembly = Assembly(parts.works, settings, failpoints=parts.failpoints, listen_dsn=listen_dsn)
    try:
        await assembly.vault.check(parts.database)
    except SealBroken as error:
        raise SettingsError(str(error)) from None

    return assembly.blueprint([_subscription(parts, assembly, module) for module in HEARD])


def _subscription(parts: Parts, assembly: Assembly, module: ModuleType) -> Subscription:
    name = module.__name__.rpartition(".")[2]
    handler: Any = getattr(module, name)

    async def hear(events: Sequence[AnyEvent], work: UnitOfWork) -> None:
        await handler(events, assembly.work_of(work))

    return parts.subscription(name.removeprefix("on_"), module.HEARS, hear)


def _limits_of(door: DoorSettings) -> DoorLimits:
    return DoorLimits(
        minute=Window(door.channel_most, door.channel_window_s),
        burst=Window(door.channel_burst, 1),
        unsigned=Window(door.unsigned_most, door.unsigned_window_s),
    )


def _host_and_port(address: str) -> str:
    split = urlsplit(address)
    return f"{split.hostname}:{split.port or (443 if split.scheme == 'https' else 80)}"
