"""What identity's bodies and answers look like."""

from typing import Annotated, Any, Literal

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from web.bodies import Answer, Body, Id, Time
from web.permissions import PERMISSIONS

MOST_EMAIL_CHARACTERS = 254


def read_email(text: str) -> str:
    """Return an e-mail address trimmed and in lower case. Its syntax is checked, the network is not asked."""
    try:
        parts = validate_email(text.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        raise PydanticCustomError("bad_format", "an e-mail address expected") from None
    if "." not in parts.domain or len(parts.normalized) > MOST_EMAIL_CHARACTERS:
        raise PydanticCustomError("bad_format", "an e-mail address expected")
    return parts.normalized.lower()


def sought_email(text: str) -> str:
    """Return an address in the form in which it would have been registered; what none could be stays as it is."""
    try:
        return read_email(text)
    except PydanticCustomError:
        return text.strip().lower()


def read_name(text: str) -> str:
    """Return a name without blanks around it."""
    if not text.strip():
        raise PydanticCustomError("too_short", "a name is required")
    return text.strip()


def read_permission(code: str) -> str:
    """Return a permission that exists."""
    if code not in PERMISSIONS:
        raise PydanticCustomError("not_in_enum", "one of the permission codes expected")
    return code


Email = Annotated[str, Field(max_length=MOST_EMAIL_CHARACTERS), AfterValidator(read_email)]
Name = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(read_name)]
Code = Annotated[str, Field(min_length=1, max_length=64)]
Role = Literal["admin", "supervisor", "agent", "viewer", "manager", "user", "readonly"]


class Registering(Body):
    """A registration. `role` takes `admin` alone and changes nothing: who registers owns a new tenant."""

    name: Name
    email: Email
    # Its length and the rest are the rule's business; this only bounds what is read.
    password: Annotated[str, Field(max_length=1024)]
    company: Name | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = None
    language: Annotated[str, Field(max_length=10)] | None = None
    role: Literal["admin"] | None = None


class SigningIn(Body):
    """E-mail and password. An address that nobody could have is simply a wrong one."""

    email: Annotated[str, Field(max_length=MOST_EMAIL_CHARACTERS)]
    password: Annotated[str, Field(max_length=1024)]
    project_id: Id | None = None
    code: Code | None = None


class Refreshing(Body):
    """A refresh token."""

    refresh_token: Annotated[str, Field(min_length=1, max_length=1024)]


class SigningOut(Body):
    """Which sign-ins end."""

    all_sessions: bool = False


class ChangingPassword(Body):
    """The password that one has, and the one that is wanted."""

    current_password: Annotated[str, Field(max_length=1024)]
    new_password: Annotated[str, Field(max_length=1024)]


class ForgettingPassword(Body):
    """Whose password is to be another. An address that nobody has is answered like any other."""

    email: Annotated[str, Field(max_length=MOST_EMAIL_CHARACTERS)]


class ResettingPassword(Body):
    """The token that was mailed, and the password that is wanted."""

    token: Annotated[str, Field(min_length=1, max_length=1024)]
    new_password: Annotated[str, Field(max_length=1024)]


class BeginningSecondFactor(Body):
    """Whoever sets up a second factor knows the password."""

    password: Annotated[str, Field(max_length=1024)]


class ConfirmingSecondFactor(Body):
    """The code that the device shows."""

    code: Code


class EndingSecondFactor(Body):
    """Password, and the device's code or a recovery code."""

    password: Annotated[str, Field(max_length=1024)]
    code: Code


class SecondFactorAnswer(Answer):
    """A secret for a device, in letters and as authenticators read it from a picture."""

    secret: str
    uri: str


class RecoveryCodesAnswer(Answer):
    """Codes for whoever lost the device; each works once."""

    recovery_codes: list[str]


class ChangingProfile(Body):
    """What one says of oneself; what is left out stays, null for language and zone means the tenant's."""

    name: Name | None = None
    language: Annotated[str, Field(max_length=10)] | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = None


class TokensAnswer(Answer):
    """What a sign-in gives."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int
    refresh_token: str
    refresh_expires_in: int


class SignedInAnswer(TokensAnswer):
    """Tokens, and whose they are."""

    user_id: Id
    email: str
    name: str
    role: str | None
    tenant_id: Id
    default_project_id: Id | None


class RegisteredAnswer(TokensAnswer):
    """What a registration made. The API key is shown this once."""

    message: str
    user_id: Id
    name: str
    email: str
    role: str
    owner: bool
    tenant_id: Id
    default_project_id: Id
    default_pipeline_id: Id
    api_key: str


class InfoAnswer(Answer):
    """How one signs in."""

    methods: list[str]
    headers: list[str]
    access_token_minutes: int
    password_min_length: int


class ProjectOfProfile(Answer):
    """A project that one may work in."""

    project_id: Id
    name: str
    role: str


class ProfileAnswer(Answer):
    """Who one is."""

    audited = ("name", "language", "timezone")

    user_id: Id
    email: str
    name: str
    role: str
    tenant_id: Id
    owner: bool
    projects: list[ProjectOfProfile]
    permissions: list[str]
    agent_id: Id | None
    language: str
    timezone: str
    second_factor: bool


class KeySetAnswer(Answer):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, Any]]


class NewApiKey(Body):
    """A key to be issued. Left out, role and permissions are the maker's own."""

    name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(read_name)]
    role: Role | None = None
    permissions: (
        Annotated[list[Annotated[str, AfterValidator(read_permission)]], Field(min_length=1, max_length=23)] | None
    ) = None
    project_id: Id | None = None
    expires_at: Time | None = None


class ApiKeyAnswer(Answer):
    """A key, which itself is not shown."""

    audited = ("name", "prefix", "role", "permissions", "project_id", "user_id", "expires_at", "revoked_at")

    id: Id
    tenant_id: Id
    project_id: Id | None
    version: int
    created_at: Time
    updated_at: Time
    name: str
    prefix: str
    role: str
    permissions: list[str]
    user_id: Id
    expires_at: Time | None
    last_used_at: Time | None
    revoked_at: Time | None


class IssuedApiKeyAnswer(ApiKeyAnswer):
    """A fresh key, shown this once."""

    api_key: str
