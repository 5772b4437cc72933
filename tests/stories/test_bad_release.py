"""Bad releases: each is taken back, says why, and leaves nothing."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.stories.cluster import Cluster
from tests.stories.harm import HARMS, REPLICAS, Outcome, suffer_all

GONE_SECONDS = 3.0
BROKEN_SECONDS = 1.0
"""How long after the kubelet's report of a pod's end the Service may send users to it: the proxy must be told."""

each_harm = pytest.mark.parametrize("harm", HARMS)
each_told = pytest.mark.parametrize("harm", [name for name, harm in HARMS.items() if harm.kubelet_tells])
each_healthy = pytest.mark.parametrize("harm", [name for name, harm in HARMS.items() if not harm.kubelet_tells])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outcomes(cluster: Cluster) -> AsyncIterator[dict[str, Outcome]]:
    yield await suffer_all(cluster)


@each_harm
def test_a_bad_release_ends_with_exit_code_1(outcomes: dict[str, Outcome], harm: str) -> None:
    result = outcomes[harm].result
    assert result.code == 1, result.output + result.errors
    assert "rolled back; version v1 serves everyone" in result.output.splitlines()[-1]


@each_harm
def test_the_verdict_has_the_kubelets_own_words_and_the_logs_end(outcomes: dict[str, Outcome], harm: str) -> None:
    said = "\n".join(outcomes[harm].result.health)
    for sign in HARMS[harm].signs:
        assert sign in said


@each_harm
def test_production_gets_its_full_size_before_the_canary_goes(outcomes: dict[str, Outcome], harm: str) -> None:
    outcome = outcomes[harm]
    assert outcome.full_size_at() < outcome.canary_gone_at()
    assert outcome.ready_at_the_end == REPLICAS


@each_harm
def test_a_bad_release_leaves_nothing_behind(outcomes: dict[str, Outcome], harm: str) -> None:
    assert outcomes[harm].left_behind == []


@each_told
def test_the_canary_is_gone_3_seconds_after_the_kubelet_told_of_the_harm(
    outcomes: dict[str, Outcome], harm: str
) -> None:
    outcome = outcomes[harm]
    assert outcome.canary_gone_at() - outcome.told_at() <= GONE_SECONDS


@each_healthy
def test_no_capacity_is_lost_where_no_pod_was_lost(outcomes: dict[str, Outcome], harm: str) -> None:
    assert outcomes[harm].least_ready == REPLICAS


@each_harm
def test_users_lose_only_what_an_ended_pod_had_in_hand(outcomes: dict[str, Outcome], harm: str) -> None:
    outcome = outcomes[harm]
    assert outcome.traffic.unanswered == 0
    if not HARMS[harm].served_first:
        assert outcome.traffic.failed == []
    for request in outcome.traffic.failed:
        failed_at = request["due"] + request["ms"] / 1000
        assert outcome.ended_at() <= failed_at, request
        assert request["due"] <= outcome.told_at() + BROKEN_SECONDS, request
