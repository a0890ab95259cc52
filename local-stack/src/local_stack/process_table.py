"""Which processes make up the product on one machine, and the environment that each is given."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_stack import ports, temporal_program
from local_stack.credentials import public_pem
from local_stack.files import make_folder, write_private
from local_stack.instances import Instance

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Program:
    """One process that the supervisor keeps alive."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ready_url: str | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    once: bool = False  # a job: not started again when it has ended


@dataclass(frozen=True)
class Service:
    name: str
    module: str
    port: str  # its name in ports.OFFSETS
    schema: bool = True
    workflows: bool = False  # it has some, in Temporal


SERVICES = (
    Service("identity", "identity", "identity"),
    Service("contact", "contact", "contact"),
    Service("session", "session", "session", workflows=True),
    Service("messaging", "messaging", "messaging"),
    Service("pipeline-automation", "pipeline_automation", "pipeline_automation"),
    Service("billing", "billing", "billing"),
    Service("channel-gateway", "channel_gateway", "channel_gateway"),
    Service("api-gateway", "api_gateway", "gateway", schema=False),
)
SIMULATOR = "waha-simulator"
BRINGING_TEMPORAL = "temporal-program"


def programs(instance: Instance) -> list[Program]:
    """Every process of the product but the servers."""
    table = [_program(instance, service) for service in SERVICES]
    if "WAHA_BASE_URL" not in _from_outside(instance):
        table.insert(0, _simulator(instance))
    return table


def jobs(instance: Instance) -> list[Program]:
    """What is done once, beside the processes: bringing Temporal's program, which may take minutes (never for tests)."""
    if instance.for_tests or instance.external_temporal_host or temporal_program.find(instance.environment):
        return []
    command = module_command("local_stack", "temporal", "--instance", instance.name, "--root", str(instance.root))
    return [Program(BRINGING_TEMPORAL, command, instance.environment, once=True)]


def module_command(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def url(instance: Instance, port: str) -> str:
    return f"http://{LOOPBACK}:{instance.ports[port]}"


def service_environment(instance: Instance, service: Service) -> dict[str, str]:
    """What operations calls section 7: everything that this service needs, and no secret that it does not."""
    own = _shared(instance) | _http(instance, service.port)
    rabbitmq_url = instance.rabbitmq_url_of(service.name, port=instance.way_to("rabbitmq"))
    own |= {"APP_BASE_URL": url(instance, "gateway"), "RABBITMQ_URL": rabbitmq_url}
    keys = _key_files(instance)
    if service.schema:
        own |= _databases(instance, service)
        own["INTERNAL_TOKEN_PUBLIC_KEYS_FILE"] = keys["internal_token_public_keys"]
    if service.workflows:
        way = instance.way_to("temporal")
        host = instance.temporal_host if way == "temporal" else f"{LOOPBACK}:{instance.ports[way]}"
        own |= {"TEMPORAL_HOST": host, "TEMPORAL_NAMESPACE": instance.temporal_namespace}
    if service.name == "identity":
        own["JWT_PRIVATE_KEY_FILE"] = keys["jwt_private_key"]
        own |= _mail(instance)
    if service.name in ("identity", "channel-gateway"):  # both answer a secret once, and keep that answer sealed
        own["ENCRYPTION_AES_KEY_FILE"] = keys["encryption_aes_key"]
    if service.name == "channel-gateway":
        own["WEBHOOK_BASE_URL"] = url(instance, "channel_gateway")
        own["TRUSTED_PROXIES"] = LOOPBACK  # the gateway, which says whose webhooks it passes on
        own |= _waha(instance)
    if service.name == "api-gateway":
        own["INTERNAL_TOKEN_PRIVATE_KEY_FILE"] = keys["internal_token_private_key"]
        own |= {f"{one.port.upper()}_URL": url(instance, one.port) for one in SERVICES if one.schema}
    return _over(instance, own)


def topology_environment(instance: Instance) -> dict[str, str]:
    """For the job that declares exchanges and queues, the only one whose broker user may."""
    topology_url = instance.environment.get("RABBITMQ_TOPOLOGY_URL") if instance.external_rabbitmq_url else None
    own = _shared(instance) | {"RABBITMQ_TOPOLOGY_URL": topology_url or instance.rabbitmq_url_of("topology")}
    return _over(instance, own)


def addresses(instance: Instance) -> dict[str, str]:
    """For a shell: where everything of this instance answers."""
    places = {f"{service.port.upper()}_URL": url(instance, service.port) for service in SERVICES}
    return {
        "VENTROS_INSTANCE": instance.name,
        **places,
        "SIMULATOR_URL": url(instance, "simulator"),
        "POSTGRES_SUPERUSER_DSN": instance.postgres_superuser_dsn,
        # Not as RABBITMQ_URL: a stack that is started from that shell would take it for a broker brought from outside.
        "VENTROS_RABBITMQ_URL": instance.rabbitmq_url,
        "VENTROS_TEMPORAL_HOST": instance.temporal_host,
    }


def _program(instance: Instance, service: Service) -> Program:
    return Program(
        service.name,
        module_command(service.module, "run"),
        service_environment(instance, service),
        f"{url(instance, f'{service.port}_metrics')}/ready",
        {name: instance.ports[name] for name in (service.port, f"{service.port}_metrics")},
    )


def _simulator(instance: Instance) -> Program:
    own = _shared(instance) | _http(instance, "simulator")
    own |= {
        "WAHA_API_KEY": instance.secrets["waha_api_key"],
        "WAHA_SIMULATOR_CONTROL_KEY": instance.secrets["simulator_control_key"],
        "WAHA_SIMULATOR_DATA": str(make_folder(instance.folder / "simulator", 0o700)),
    }
    return Program(
        SIMULATOR,
        module_command("waha_simulator"),
        _over(instance, own),
        f"{url(instance, 'simulator_metrics')}/ready",
        {name: instance.ports[name] for name in ("simulator", "simulator_metrics")},
    )


def _shared(instance: Instance) -> dict[str, str]:
    return {
        "ENV": instance.environment.get("ENV") or ("test" if instance.for_tests else "development"),
        "BUS_PARTITIONS": str(instance.partitions),
        "PYTHONUNBUFFERED": "1",
    }


def _http(instance: Instance, port: str) -> dict[str, str]:
    return {
        "HOST": LOOPBACK,
        "PORT": str(instance.ports[port]),
        "METRICS_PORT": str(instance.ports[f"{port}_metrics"]),
    }


def _databases(instance: Instance, service: Service) -> dict[str, str]:
    passwords = instance.secrets["postgres"]["services"][service.name]
    schema = service.name.replace("-", "_")
    way = instance.way_to("postgres")
    app, relay = (instance.postgres_dsn(f"{schema}_{role}", passwords[role], port=way) for role in ("app", "relay"))
    owner = instance.postgres_dsn(f"{schema}_owner", passwords["owner"])  # migrations come before any proxy
    return {"DATABASE_URL": app, "DATABASE_OWNER_URL": owner, "DATABASE_RELAY_URL": relay}


def _from_outside(instance: Instance) -> dict[str, str]:
    """The WAHA server that the person brings along, if any, and where that one reaches our door."""
    found = {}
    for name in ("WAHA_BASE_URL", "WAHA_API_KEY", "WEBHOOK_BASE_URL"):
        if given := ports.setting(instance.name, name, instance.environment):
            found[name] = given[1]
    return found if "WAHA_BASE_URL" in found else {}


def _waha(instance: Instance) -> dict[str, str]:
    if outside := _from_outside(instance):
        return outside
    simulator = f"{LOOPBACK}:{instance.ports['simulator']}"
    allowed = [*instance.environment.get("OUTBOUND_ALLOWED_HOSTS", "").split(","), simulator]
    return {
        "WAHA_BASE_URL": f"http://{simulator}",
        "WAHA_API_KEY": instance.secrets["waha_api_key"],
        "OUTBOUND_ALLOWED_HOSTS": ",".join(host for host in allowed if host),
    }


def mail_outbox(instance: Instance) -> Path | None:
    """Where mails lie, readable, unless the person brings a mail server."""
    return None if instance.environment.get("SMTP_HOST") else instance.folder / "mail"


def _mail(instance: Instance) -> dict[str, str]:
    outbox = mail_outbox(instance)
    return {} if outbox is None else {"MAIL_OUTBOX": str(make_folder(outbox, 0o700))}


def _key_files(instance: Instance) -> dict[str, str]:
    """Keys go to the processes as files of mode 0600, never on a command line."""
    folder = make_folder(instance.folder / "keys", 0o700)
    secrets = instance.secrets
    contents = {
        "jwt_private_key": secrets["jwt_private_key"],
        "internal_token_private_key": secrets["internal_token_private_key"],
        "internal_token_public_keys": public_pem(secrets["internal_token_private_key"]),
        "encryption_aes_key": secrets["encryption_aes_key"],
    }
    return {name: str(_kept(folder / name, content)) for name, content in contents.items()}


def _kept(path: Path, content: str) -> Path:
    if not path.exists() or path.read_text() != content:
        write_private(path, content)
    return path


def _over(instance: Instance, own: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment (its LOG_LEVEL, its limits) with ours over it: a stray PORT or DATABASE_URL_FILE in
    somebody's shell must not lead a service astray."""
    inherited = dict(instance.environment)
    for name in own:
        plain = name.removesuffix("_FILE")
        inherited.pop(plain, None)
        inherited.pop(f"{plain}_FILE", None)
    return inherited | dict(own)
