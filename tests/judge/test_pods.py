"""The pods gate: each sign of harm, and each thing that is nobody's fault."""

from dataclasses import replace

import pytest

from serinus.core.pods import Container, Ended, Pod, Track
from serinus.core.reasons import Reason
from serinus.core.turn import Verdict
from serinus.judge.pods import judge_pods, why_not_ready

ERROR = Ended("Error", "", 1)
NO_ENDS: dict[str, int] = {}


def container(**fields: object) -> Container:
    calm: dict[str, object] = {"name": "app", "image": "checkout:v2", "restarts": 0, "running": True}
    return Container(**(calm | fields))  # type: ignore[arg-type]


def pod(name: str = "new", *containers: Container, track: Track = Track.CANARY, **fields: object) -> Pod:
    calm: dict[str, object] = {"phase": "Running", "ready": True, "serving": True, "deleting": False}
    return Pod(name=name, track=track, containers=containers or (container(),), **(calm | fields))  # type: ignore[arg-type]


def stable(name: str = "old", *containers: Container, **fields: object) -> Pod:
    return pod(name, *containers, track=Track.STABLE, **fields)


def waiting(reason: str, message: str = "") -> Container:
    return container(running=False, waiting_reason=reason, waiting_message=message)


def test_ready_pods_without_a_sign_pass() -> None:
    judgement = judge_pods((pod(), stable()), NO_ENDS)
    assert (judgement.verdict, judgement.sign) == (Verdict.PASS, None)


@pytest.mark.parametrize("pods", [(), (stable(),), (pod(), pod("late", ready=False)), (pod(deleting=True),)])
def test_no_pass_without_canary_pods_that_are_all_ready(pods: tuple[Pod, ...]) -> None:
    assert judge_pods(pods, NO_ENDS).verdict is Verdict.UNSURE


def test_the_smoke_tests_pod_is_judged_like_the_canarys() -> None:
    assert judge_pods((pod(track=Track.PROBE),), NO_ENDS).verdict is Verdict.PASS
    assert judge_pods((pod("p", waiting("ImagePullBackOff"), track=Track.PROBE),), NO_ENDS).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (waiting("ImagePullBackOff"), Reason.IMAGE_UNPULLABLE),
        (waiting("ErrImageNeverPull"), Reason.IMAGE_UNPULLABLE),
        (waiting("InvalidImageName"), Reason.IMAGE_UNPULLABLE),
        (waiting("ImageInspectError"), Reason.IMAGE_UNPULLABLE),
        (waiting("ErrImagePull", "manifest unknown"), Reason.IMAGE_UNPULLABLE),
        (waiting("CreateContainerConfigError", 'secret "db" not found'), Reason.CONTAINER_CANNOT_START),
        (waiting("CreateContainerError"), Reason.CONTAINER_CANNOT_START),
        (waiting("RunContainerError"), Reason.CONTAINER_CANNOT_START),
        (waiting("StartError"), Reason.CONTAINER_CANNOT_START),
        (container(running=False, ended=ERROR), Reason.CRASHED),
        (container(restarts=1, last_ended=ERROR), Reason.CRASHED),
        (container(restarts=2, last_ended=ERROR), Reason.CRASH_LOOP),
        (replace(waiting("CrashLoopBackOff"), restarts=1, last_ended=ERROR), Reason.CRASH_LOOP),
        (container(running=False, ended=Ended("OOMKilled", "", 137)), Reason.OOM_KILLED),
        (container(restarts=3, last_ended=Ended("OOMKilled", "", 137)), Reason.OOM_KILLED),
        (container(running=False, ended=Ended("Completed", "", 0)), Reason.CRASHED),
    ],
)
def test_each_sign_fails_the_canary_by_its_own_reason(seen: Container, reason: Reason) -> None:
    judgement = judge_pods((pod("new", seen), stable()), NO_ENDS)
    assert judgement.verdict is Verdict.FAIL
    assert judgement.sign is not None
    assert (judgement.sign.reason, judgement.sign.pod, judgement.sign.container) == (reason, "new", "app")


@pytest.mark.parametrize("message", ["dial tcp: i/o timeout", "connection refused", ""])
def test_a_first_failed_pull_that_another_try_may_mend_is_waited_for(message: str) -> None:
    assert judge_pods((pod("new", waiting("ErrImagePull", message)),), NO_ENDS).sign is None


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing", ""])
def test_a_container_that_is_being_made_is_no_sign(reason: str) -> None:
    judgement = judge_pods((pod("new", waiting(reason), ready=False),), NO_ENDS)
    assert (judgement.verdict, judgement.sign) == (Verdict.UNSURE, None)


def test_a_sidecar_that_ends_fails_the_canary_too() -> None:
    judgement = judge_pods((pod("new", container(), container(name="proxy", running=False, ended=ERROR)),), NO_ENDS)
    assert judgement.sign is not None
    assert judgement.sign.container == "proxy"


def test_the_container_that_ended_most_often_is_the_one_told_of() -> None:
    judgement = judge_pods(
        (pod("one", container(restarts=1, last_ended=ERROR)), pod("two", container(restarts=5, last_ended=ERROR))),
        NO_ENDS,
    )
    assert judgement.sign is not None
    assert judgement.sign.sentence == "container app of pod two ended 5 times, last with exit code 1 (Error)"


# Beside production


def test_ends_on_both_tracks_are_the_worlds_trouble_and_nobody_is_sure() -> None:
    judgement = judge_pods(
        (pod("new", container(restarts=1, last_ended=ERROR)), stable("old", container(restarts=1, last_ended=ERROR))),
        NO_ENDS,
    )
    assert judgement.verdict is Verdict.UNSURE
    assert judgement.sign is not None


def test_more_ends_per_pod_than_production_are_the_canarys_own() -> None:
    crashing = container(restarts=2, last_ended=ERROR)
    judgement = judge_pods(
        (pod("new", crashing), stable("old", container(restarts=1, last_ended=ERROR)), stable("calm")), NO_ENDS
    )
    assert judgement.verdict is Verdict.FAIL


def test_production_is_not_excused_by_restarts_from_before_the_rollout() -> None:
    tired = stable("old", container(restarts=40, last_ended=ERROR))
    crashed = pod("new", container(restarts=1, last_ended=ERROR))
    assert judge_pods((crashed, tired), {"old": 40}).verdict is Verdict.FAIL
    assert judge_pods((crashed, tired), {"old": 39}).verdict is Verdict.UNSURE


def test_production_that_restarts_while_the_canary_is_well_does_not_stop_it() -> None:
    assert judge_pods((pod(), stable("old", container(restarts=3, last_ended=ERROR))), NO_ENDS).verdict is Verdict.PASS


# Nobody's fault


@pytest.mark.parametrize("reason", ["Evicted", "NodeLost", "Preempting"])
def test_a_pod_that_failed_as_a_whole_is_nobodys_fault(reason: str) -> None:
    lost = pod("lost", container(running=False, ended=ERROR), ready=False, phase="Failed", failed_reason=reason)
    assert judge_pods((pod(), lost), NO_ENDS).verdict is Verdict.PASS
    assert judge_pods((lost,), NO_ENDS).verdict is Verdict.UNSURE


def test_a_pod_on_its_way_out_is_not_judged() -> None:
    leaving = pod("leaving", container(running=False, ended=Ended("Error", "", 143)), deleting=True)
    assert judge_pods((pod(), leaving), NO_ENDS).verdict is Verdict.PASS


# Evidence


def test_the_evidence_is_the_kubelets_words_and_then_the_log() -> None:
    seen = replace(
        waiting("CrashLoopBackOff", "back-off 10s"), restarts=1, last_ended=Ended("Error", "panic in main", 2)
    )
    judgement = judge_pods((pod("new", seen),), NO_ENDS)
    assert judgement.sign is not None
    assert judgement.sign.has_log
    evidence = judgement.with_log(["listening", "boom"]).evidence
    assert evidence.sentence == "container app of pod new ended once, last with exit code 2 (Error)"
    assert evidence.lines == ("kubelet: panic in main", "kubelet: back-off 10s", "log: listening", "log: boom")


def test_a_container_that_has_not_been_restarted_has_its_own_log() -> None:
    judgement = judge_pods((pod("new", container(running=False, ended=ERROR)),), NO_ENDS)
    assert judgement.sign is not None
    assert judgement.sign.has_log


def test_an_image_that_cannot_be_pulled_has_no_log() -> None:
    judgement = judge_pods((pod("new", waiting("ImagePullBackOff", "Back-off pulling image")),), NO_ENDS)
    assert judgement.sign is not None
    assert not judgement.sign.has_log
    assert judgement.sign.sentence == "image checkout:v2 of pod new cannot be pulled (ImagePullBackOff)"
    assert judgement.sign.lines == ("kubelet: Back-off pulling image",)


# Why pods are not ready


def test_a_pod_that_no_node_takes_is_told_in_the_schedulers_words() -> None:
    stuck = pod("new", ready=False, serving=False, unschedulable="0/3 nodes are available")
    judgement = why_not_ready((stuck,), "quota exceeded")
    assert (judgement.verdict, judgement.reason) == (Verdict.FAIL, Reason.UNSCHEDULABLE)
    assert judgement.evidence.lines == ("scheduler: 0/3 nodes are available",)


def test_pods_that_the_cluster_refuses_are_told_in_its_words() -> None:
    judgement = why_not_ready((stable(),), "exceeded quota: pods=4")
    assert (judgement.reason, judgement.evidence.lines) == (Reason.PODS_REFUSED, ("exceeded quota: pods=4",))


def test_production_that_is_not_ready_is_not_blamed_on_the_canary() -> None:
    assert why_not_ready((pod(), stable(ready=False)), "").reason is Reason.STABLE_NOT_READY


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        (container(), "pod new, container app: running, but its readiness probe does not pass"),
        (container(running=False), "pod new, container app: not running"),
        (waiting("ContainerCreating"), "pod new, container app: ContainerCreating"),
        (waiting("ErrImagePull", "timeout"), "pod new, container app: ErrImagePull timeout"),
    ],
)
def test_pods_that_are_not_ready_are_told_with_the_state_of_their_containers(seen: Container, line: str) -> None:
    judgement = why_not_ready((pod("new", seen, ready=False, serving=False), pod("other")), "")
    assert judgement.reason is Reason.NEVER_READY
    assert judgement.evidence.sentence == "1 of 2 canary pods not ready by the deadline"
    assert judgement.evidence.lines == (line,)


def test_a_pod_that_has_no_containers_yet_is_told_with_its_phase() -> None:
    bare = replace(pod("new", ready=False, serving=False, phase="Pending"), containers=())
    assert why_not_ready((bare,), "").evidence.lines == ("pod new: Pending",)


def test_no_canary_pods_at_all_are_never_ready() -> None:
    judgement = why_not_ready((stable(),), "")
    assert judgement.reason is Reason.NEVER_READY
    assert judgement.evidence.sentence == "0 of 0 canary pods not ready by the deadline"
