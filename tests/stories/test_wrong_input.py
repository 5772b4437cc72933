"""Wrong input of every kind: one error with what, where, why and what to do, and no trace in the cluster."""

import socket
from pathlib import Path

import pytest

from serinus.sandbox.rest import Raw
from tests.stories import manifests
from tests.stories.manifests import SERVICE
from tests.stories.place import Place, story
from tests.stories.session import Result

V2 = "demo/checkout:v2"
REFUSED, UNDECIDED = 2, 3


def assert_one_error(result: Result, code: int, *words: str, blocks: int = 1) -> None:
    """Exit code, nothing on standard output, and so many errors with their four parts; `words` stand in them."""
    assert result.code == code, result.output + result.errors
    assert result.output == ""
    lines = result.errors.splitlines()
    assert [line.split(":")[0] for line in lines if line.startswith("serinus:")] == ["serinus"] * blocks, result.errors
    for part in ("where", "why", "do"):
        found = [line for line in lines if line.startswith(f"  {part}:")]
        assert len(found) == blocks, f"{part}: {result.errors}"
        assert all(line.partition(":")[2].strip() for line in found)
    for word in words:
        assert word in result.errors


def assert_usage_error(result: Result, *words: str) -> None:
    """Click's own form: the usage, where help is, and the error."""
    assert result.code == REFUSED, result.output + result.errors
    assert result.output == ""
    assert "Traceback" not in result.errors
    for word in ("Usage:", "Error:", *words):
        assert word in result.errors


async def test_no_such_service(place: Place) -> None:
    await place.in_production(manifests.in_place(1))
    result = await place.serinus("deploy", "shpo", "--image", V2)
    assert_one_error(result, REFUSED, "no Service 'shpo'", f"the Services there: {SERVICE}", place.namespace)
    assert await place.traces() == []


async def test_two_deployments_behind_the_service(place: Place) -> None:
    twins = [manifests.deployment(f"{SERVICE}-{side}", 1, app=SERVICE, side=side) for side in ("left", "right")]
    await place.in_production([manifests.service(), *twins])
    result = await place.deploy(V2)
    assert_one_error(
        result, REFUSED, "cannot tell which Deployment is production", "shop-left (1 pods)", "--deployment"
    )
    assert await place.traces() == []


async def test_a_selector_that_matches_nothing(place: Place) -> None:
    await place.apply(manifests.service(selector={"app": "shoes"}), manifests.deployment(SERVICE, 1))
    await place.until("its pod is ready", lambda: len(place.ready_pods()) == 1)
    await place.begin()
    result = await place.deploy(V2)
    assert_one_error(result, REFUSED, "selector matches no Deployment's pods", "it selects app=shoes")
    assert await place.traces() == []


async def test_a_user_without_any_right(place: Place) -> None:
    await place.in_production(manifests.in_place(1))
    result = await place.serinus("deploy", SERVICE, "--image", V2, user="nobody")
    assert_one_error(result, REFUSED, 'User "nobody" cannot', "namespace")
    assert await place.traces() == []


async def test_a_user_who_may_only_read_is_told_of_every_right_that_lacks(place: Place) -> None:
    await place.in_production(manifests.in_place(1))
    await _let_read(place, "reader")
    await place.begin()
    result = await place.serinus("deploy", SERVICE, "--image", V2, user="reader")
    assert result.code == REFUSED
    for right in ("create deployments (apps)", "patch deployments (apps)", "delete deployments (apps)"):
        assert f"no right to {right}" in result.errors
    assert "what cannot be undone is not begun" in result.errors
    assert await place.traces() == []


async def _let_read(place: Place, user: str) -> None:
    """Reading is all that this user may do, in this namespace."""
    rule = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reading"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    common: Raw = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "reading"}}
    await place.apply(
        {**common, "kind": "Role", "rules": [rule]},
        {**common, "kind": "RoleBinding", "roleRef": reference, "subjects": [subject]},
    )


async def test_no_cluster(place: Place) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nothing listens
        config = _kubeconfig(place.home, f"https://127.0.0.1:{taken.getsockname()[1]}")
        result = await place.serinus("deploy", SERVICE, "--image", V2, KUBECONFIG=str(config))
    assert_one_error(result, UNDECIDED, "127.0.0.1", "refused")


async def test_a_malformed_kubeconfig(place: Place) -> None:
    config = place.home / "config"
    config.write_text("apiVersion: v1\nclusters: [\n  oh no\ncontexts: {}\n")
    result = await place.serinus("deploy", SERVICE, "--image", V2, KUBECONFIG=str(config))
    assert_one_error(result, REFUSED, f"{config}:")


async def test_a_kubeconfig_that_is_not_there(place: Place) -> None:
    missing = place.home / "nowhere"
    result = await place.serinus("deploy", SERVICE, "--image", V2, "--kubeconfig", str(missing))
    assert_one_error(result, REFUSED, str(missing))


async def test_a_context_that_is_not_there(place: Place) -> None:
    result = await place.serinus("deploy", SERVICE, "--image", V2, "--context", "mars")
    assert_one_error(result, REFUSED, "mars")


async def test_no_such_namespace(place: Place) -> None:
    result = await place.serinus("deploy", SERVICE, "--image", V2, "--namespace", "nowhere")
    assert_one_error(result, REFUSED, f"no Service '{SERVICE}'", "namespace nowhere")


async def test_a_namespace_that_cannot_be_one(place: Place) -> None:
    result = await place.serinus("deploy", SERVICE, "--image", V2, "--namespace", "No_Where")
    assert_one_error(result, REFUSED, "No_Where")


async def test_an_image_without_a_tag(place: Place) -> None:
    await place.in_production(manifests.in_place(1))
    result = await place.deploy("demo/checkout")
    assert_one_error(result, REFUSED, "'demo/checkout' has neither a tag nor a digest", "demo/checkout:TAG")
    assert await place.traces() == []


async def test_a_share_that_pods_cannot_give_is_refused_with_the_nearest_that_they_can(place: Place) -> None:
    await place.in_production(manifests.in_place(3))
    result = await place.deploy(V2, "--steps", "10")
    assert_one_error(result, REFUSED, "10 % of 3 pods cannot be had", "--steps 25", "--adapt")
    plan = await place.serinus("plan", SERVICE, "--image", V2, "--steps", "10")
    assert (plan.code, plan.errors) == (result.code, result.errors)
    assert await place.traces() == []


async def test_no_image_and_no_version(place: Place) -> None:
    await place.in_production(manifests.in_place(1))
    assert_one_error(await place.serinus("deploy", SERVICE), REFUSED, "nothing to release", "--image or --version")
    assert await place.traces() == []


async def test_all_problems_are_told_at_once(place: Place) -> None:
    await place.in_production([manifests.service(), manifests.deployment(SERVICE, 3)])
    await place.patch(f"/apis/apps/v1/namespaces/{{}}/deployments/{SERVICE}", {"spec": {"paused": True}})
    await place.begin()
    result = await place.deploy(V2, "--steps", "10")
    assert_one_error(result, REFUSED, "production is paused", "10 % of 3 pods cannot be had", blocks=2)
    assert await place.traces() == []


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ("ten", "wrong-type"),
        ("10,", "wrong-type"),
        ("0,50", "out-of-range"),
        ("50,101", "out-of-range"),
        ("50,25", "not-growing"),
    ],
)
async def test_steps_that_make_no_sense(place: Place, steps: str, code: str) -> None:
    result = await place.deploy(V2, "--steps", steps)
    assert result.code == REFUSED, story(place, result)
    assert code in result.errors
    assert "--steps" in result.errors


async def test_an_unknown_option(place: Place) -> None:
    assert_usage_error(await place.deploy(V2, "--fast"), "--fast")


async def test_an_unknown_command(place: Place) -> None:
    assert_usage_error(await place.serinus("depoly", SERVICE), "depoly")


async def test_the_codefresh_step_without_its_variables_names_all_that_lack(place: Place) -> None:
    result = await place.serinus("codefresh", SERVICE_NAME=SERVICE, TRAFFIC_INCREMENT="many")
    assert_usage_error(result, "DEPLOYMENT_NAME is not set", "NEW_VERSION is not set", "TRAFFIC_INCREMENT is 'many'")


def _kubeconfig(folder: Path, url: str) -> Path:
    config = folder / "config"
    config.write_text(
        f"""
apiVersion: v1
kind: Config
clusters: [{{name: here, cluster: {{server: "{url}", insecure-skip-tls-verify: true}}}}]
users: [{{name: me, user: {{token: secret}}}}]
contexts: [{{name: here, context: {{cluster: here, user: me}}}}]
current-context: here
"""
    )
    return config
