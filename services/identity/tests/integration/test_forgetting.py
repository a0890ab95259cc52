"""What has ended is deleted after a while, and nothing else."""

from typing import Any

from identity.adapters.forgetting import Forgetting


async def test_ended_sign_ins_and_old_failures_go_and_living_ones_stay(house: Any) -> None:
    await house.register()
    await house.log_in(email="nobody@example.com")
    forgetting = Forgetting(house.served.parts.works)

    house.pass_time(days=59)
    await house.register("eva@example.com")
    await forgetting.run_once()
    assert (await house.rows("sign_ins"), await house.rows("sign_in_failures")) == (2, 0)

    await house.post("/auth/password/forgot", {"email": "eva@example.com"})
    assert len(await house.mails()) == 1

    house.pass_time(days=2)
    await forgetting.run_once()
    assert (await house.rows("sign_ins"), await house.rows("refresh_tokens")) == (1, 1)
    assert await house.rows("mail_tokens") == 1
    house.pass_time(days=6)
    await forgetting.run_once()
    assert await house.rows("mail_tokens") == 0


async def test_invitations_and_changed_memberships_go_a_week_after_they_mattered(house: Any) -> None:
    owner = house.owner(await house.register())
    await house.joined(owner, "bia@example.com")
    await house.invited(owner, "edu@example.com")
    forgetting = Forgetting(house.served.parts.works)

    house.pass_time(days=7)
    await forgetting.run_once()
    assert (await house.rows("invitations"), await house.rows("membership_changes")) == (2, 1)
    house.pass_time(days=1)
    await forgetting.run_once()
    assert (await house.rows("invitations"), await house.rows("membership_changes")) == (2, 0)
    house.pass_time(days=6, seconds=1)
    await forgetting.run_once()
    assert await house.rows("invitations") == 0
    assert await house.rows("project_members") == 2
