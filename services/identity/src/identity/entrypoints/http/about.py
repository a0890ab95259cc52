"""How one signs in, who one is, and the keys that tokens are verified with."""

from collections.abc import Callable

from outbox.work import UnitOfWork
from web.caller import TheCaller
from web.routes import Routes
from web.works import Work

from identity.application.show_profile import show_profile
from identity.application.work import Means
from identity.application.work import Work as IdentityWork
from identity.domain.password_rule import SHORTEST
from identity.entrypoints.http.asking import person_of
from identity.entrypoints.http.schemas import InfoAnswer, KeySetAnswer, ProfileAnswer, ProjectOfProfile

WorkOf = Callable[[UnitOfWork], IdentityWork]


def about_routes(work_of: WorkOf, means: Means) -> Routes:
    """Return the reads of signing in."""
    routes = Routes("sign-in", prefix="/auth")

    @routes.get("/info", permission="public")
    async def info() -> InfoAnswer:
        """Tell how one signs in."""
        return InfoAnswer(
            methods=["bearer_jwt", "api_key"],
            headers=["Authorization", "X-API-Key"],
            access_token_minutes=means.lifetimes.access_minutes,
            password_min_length=SHORTEST,
        )

    @routes.get("/profile", permission="self")
    async def profile(work: Work, caller: TheCaller) -> ProfileAnswer:
        """Tell who one is."""
        own = work_of(work)
        person = await person_of(caller, own)
        shown = await show_profile(person, caller.tenant_id, caller.project_id, work=own)
        return ProfileAnswer(
            user_id=shown.user.id,
            email=shown.user.email,
            name=shown.user.name,
            role=caller.role,
            tenant_id=shown.user.tenant_id,
            owner=caller.owner,
            projects=[
                ProjectOfProfile(project_id=each.project_id, name=each.name, role=each.role) for each in shown.projects
            ],
            permissions=sorted(caller.permissions),
            agent_id=shown.agent_id,
            language=shown.user.language,
            timezone=shown.user.timezone,
        )

    return routes


def key_set_routes(means: Means) -> Routes:
    """Return where the public keys of access tokens are read."""
    routes = Routes("sign-in")

    @routes.get("/.well-known/jwks.json", permission="public", root=True)
    async def jwks() -> KeySetAnswer:
        """Return the keys that access tokens are signed with."""
        return KeySetAnswer(**means.access_tokens.public_keys())

    return routes
