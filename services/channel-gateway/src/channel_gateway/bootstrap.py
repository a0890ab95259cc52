"""The composition root: the only file that names every concrete class."""

import os
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from kernel.failpoints import Failpoints
from kernel.settings import Environment, SettingsError
from outbox.parked import describe, park
from outbox.work import UnitOfWork, Works
from postgres.failures import classify
from runtime.parts import Parts
from runtime.service import Blueprint

from channel_gateway.adapters.channels_in_postgres import CHANNELS, ChannelsInPostgres, readable
from channel_gateway.adapters.credentials_in_postgres import CredentialsInPostgres
from channel_gateway.adapters.deliveries_in_postgres import LISTING, DeliveriesInPostgres
from channel_gateway.adapters.host_addresses import addresses_of
from channel_gateway.adapters.old_deliveries import OldDeliveries
from channel_gateway.adapters.receiving_channels_in_postgres import ReceivingChannelsInPostgres
from channel_gateway.adapters.sessions_in_postgres import SessionsInPostgres
from channel_gateway.adapters.vault import SealBroken, Vault, read_keys
from channel_gateway.adapters.waha.webhooks import WahaWebhooks
from channel_gateway.application.accept_deliveries import accept_deliveries, accept_unspeakable
from channel_gateway.application.announcements import WEBHOOK_CONSUMER, Announcements, WaitingForPeople
from channel_gateway.application.group_commit import GroupCommit, Pace
from channel_gateway.application.provider import Provider
from channel_gateway.application.receive_webhook import ReceiveWebhook
from channel_gateway.application.redrive_delivery import redrive_delivery
from channel_gateway.application.work import Work
from channel_gateway.domain.delivery import Delivery, State
from channel_gateway.domain.outgoing_addresses import OutgoingAddresses, Resolve
from channel_gateway.entrypoints.http.channel_status import channel_status_routes
from channel_gateway.entrypoints.http.channels import Surroundings, channel_routes
from channel_gateway.entrypoints.http.waha_webhook import WahaWebhookDoor
from channel_gateway.entrypoints.http.webhook_info import webhook_info_routes
from channel_gateway.settings import Settings, read_settings

SERVICE = "channel-gateway"


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
    ) -> None:
        """`provider` and `resolve` stand in for WAHA's dialect and the system's resolver in tests."""
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
            self.receiving, self.provider, self.commits.join, clock=works.clock, new_id=works.new_id
        )
        own = {_host_and_port(address) for address in (settings.app_base_url, settings.webhook_base_url)}
        self.addresses = OutgoingAddresses(resolve, allowed=settings.outbound_allowed_hosts, own_hosts=own)

    def work_of(self, work: UnitOfWork) -> Work:
        """Return what the use cases work with, inside this transaction."""

        async def park_deliveries(items: Sequence[WaitingForPeople]) -> None:
            await park(work.connection, items, work.new_id)

        return Work(
            channels=ChannelsInPostgres(work.connection),
            sessions=SessionsInPostgres(work.connection),
            credentials=CredentialsInPostgres(work.connection, self.vault, work.new_id),
            deliveries=DeliveriesInPostgres(work.connection),
            announcements=Announcements(work.say, work.new_id, work.now),
            park=park_deliveries,
            new_id=work.new_id,
            now=work.now,
        )

    def blueprint(self) -> Blueprint:
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
            routes=[
                channel_routes(around),
                channel_status_routes(self.work_of),
                webhook_info_routes(self.settings.max_webhook_bytes),
            ],
            roles=[("work", OldDeliveries(self.works, self.settings.delivery_days))],
            redrives={WEBHOOK_CONSUMER: self._redrive},
            around=self.door,
        )

    def door(self, app: Any) -> WahaWebhookDoor:
        """Return the application behind the webhook door."""
        return WahaWebhookDoor(app, self.receive, max_bytes=self.settings.max_webhook_bytes, failpoints=self.failpoints)

    async def _store(self, deliveries: Sequence[Delivery]) -> Sequence[State]:
        async with self.works.begin({delivery.channel.tenant_id for delivery in deliveries}) as work:
            states = await accept_deliveries(deliveries, self.work_of(work))
            self.failpoints.reach("ingress.before_commit")
        self.failpoints.reach("ingress.after_commit")
        return states

    async def _salvage(self, delivery: Delivery, error: BaseException) -> State:
        async with self.works.begin([delivery.channel.tenant_id]) as work:
            return await accept_unspeakable(delivery, describe(error), self.work_of(work))

    async def _redrive(self, parked: Mapping[str, Any], work: UnitOfWork) -> None:
        await redrive_delivery(parked, self.work_of(work), self.provider)


async def build(parts: Parts) -> Blueprint:
    """Put the service together. Raises SettingsError for a missing or wrong key."""
    env = Environment(os.environ)
    settings = read_settings(env)
    env.check()
    assembly = Assembly(parts.works, settings, failpoints=parts.failpoints)
    try:
        await assembly.vault.check(parts.database)
    except SealBroken as error:
        raise SettingsError(str(error)) from None
    return assembly.blueprint()


def _host_and_port(address: str) -> str:
    split = urlsplit(address)
    return f"{split.hostname}:{split.port or (443 if split.scheme == 'https' else 80)}"
