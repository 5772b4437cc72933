"""The guard's Role: no right on Secrets, unless copies of them go with a release."""

from serinus.kube.guard import account_manifests, may_remove_secrets
from serinus.kube.resources import ROLES
from tests.kube.embedded import embedded


def test_rights_on_secrets_are_in_the_role_only_when_asked_for() -> None:
    for secrets in (False, True):
        [role] = [raw for resource, raw in account_manifests("shop", secrets) if resource is ROLES]
        assert any("secrets" in rule["resources"] for rule in role["rules"]) is secrets


async def test_a_role_that_lacks_them_is_told_from_one_that_has_them() -> None:
    async with embedded() as (client, _):
        assert await may_remove_secrets(client, "shop")  # no Role: the missing account is a problem of its own
        for secrets in (False, True):
            [role] = [raw for resource, raw in account_manifests("shop", secrets) if resource is ROLES]
            await client.create(ROLES, role, "shop")
            assert await may_remove_secrets(client, "shop") is secrets
            await client.delete(ROLES, role["metadata"]["name"], "shop")
