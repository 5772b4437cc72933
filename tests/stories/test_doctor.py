"""`serinus doctor metrics` before a running Service: with metrics, without, without the right to look."""

import json

from serinus.sandbox.rest import Raw
from tests.stories import manifests
from tests.stories.manifests import SERVICE, container, deployment
from tests.stories.place import Place, story


def silent(replicas: int) -> list[Raw]:
    """Production that shows no metrics: its Service sends to the port, and the pods ask not to be scraped."""
    raw = deployment(SERVICE, replicas, container())
    raw["spec"]["template"]["metadata"]["annotations"] = {"prometheus.io/scrape": "false"}
    return [manifests.service(), raw]


async def test_it_shows_what_each_pod_says_now_and_what_would_be_judged(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    async with place.users() as traffic:
        text = await place.serinus("doctor", "metrics", SERVICE)
        result = await place.serinus("doctor", "metrics", SERVICE, "--output", "json")
    assert (text.code, result.code) == (0, 0), story(place, text)
    assert "http_requests_total (a counter by custom), errors by label code" in text.output
    assert "port 8080, /metrics (found by: the Service's port)" in text.output
    found = json.loads(result.output)
    assert [pod["answer"] for pod in found["pods"]] == ["known", "known"]
    assert 0 < sum(pod["requests"] for pod in found["pods"]) <= traffic.sent
    assert {pod["errors"] for pod in found["pods"]} == {0}
    assert list(found["judged"]) == ["errors", "latency", "restarts"]
    assert found["tracks"]["stable"]["latency"] == "http_request_duration_seconds"
    assert await place.traces() == []


async def test_without_metrics_it_says_so_and_what_to_expose(place: Place) -> None:
    await place.in_production(silent(1))
    result = await place.serinus("doctor", "metrics", SERVICE)
    assert result.code == 3
    assert "the pod asks not to be scraped" in result.output
    assert "no pod counts its requests: neither errors nor latency can be judged" in result.output
    assert "http_requests_total" in result.output


async def test_a_service_that_is_not_there_is_refused(place: Place) -> None:
    result = await place.serinus("doctor", "metrics", "nothing")
    assert result.code == 2
    assert "there is no Service nothing" in result.errors


async def test_whoever_may_not_reach_into_pods_is_told_so(place: Place) -> None:
    await place.in_production(manifests.in_place(1))
    rule = {"apiGroups": ["", "apps"], "resources": ["services", "deployments", "configmaps", "pods"]}
    common: Raw = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "looking"}}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "looking"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader"}
    await place.apply(
        {**common, "kind": "Role", "rules": [{**rule, "verbs": ["list", "watch"]}]},
        {**common, "kind": "RoleBinding", "roleRef": reference, "subjects": [subject]},
    )
    result = await place.serinus("doctor", "metrics", SERVICE, user="reader")
    assert result.code == 3
    assert "cannot get resource" in result.output
    assert "pods/proxy" in result.output
