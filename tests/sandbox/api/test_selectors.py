"""Label and field selectors on raw objects."""

import pytest

from serinus.sandbox.api.errors import StatusError
from serinus.sandbox.api.kinds import CONFIG_MAP, EVENT, NODE, POD, Raw
from serinus.sandbox.api.selectors import parse_labels, select, selector_tests


def _matches(selector: str, **labels: str) -> bool:
    return all(test(labels) for test in parse_labels(selector))


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web", True),
        ("app=other", False),
        ("app!=web", False),
        ("absent!=web", True),
        ("app in (web,other)", True),
        ("app in (other)", False),
        ("app notin (other, third)", True),
        ("absent notin (web)", True),
        ("app", True),
        ("!app", False),
        ("absent", False),
        ("!absent", True),
        ("app=web,tier in (front, back),!absent", True),
        ("app=web,tier=back", False),
        ("empty=", True),
        ("a.io/b=c", True),
    ],
)
def test_label_selectors(selector: str, matches: bool) -> None:
    assert _matches(selector, app="web", tier="front", empty="", **{"a.io/b": "c"}) is matches


@pytest.mark.parametrize("selector", ["a b", "in (x)", "=x", "a=b=c", "a in b"])
def test_a_selector_that_cannot_be_read_is_a_bad_request(selector: str) -> None:
    with pytest.raises(StatusError) as refused:
        parse_labels(selector)
    assert refused.value.code == 400


def test_label_selector_objects() -> None:
    selector = {
        "matchLabels": {"app": "web"},
        "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]},
            {"key": "old", "operator": "DoesNotExist"},
            {"key": "app", "operator": "Exists"},
            {"key": "zone", "operator": "NotIn", "values": ["x"]},
        ],
    }
    tests = selector_tests(selector)
    assert all(test({"app": "web", "tier": "a"}) for test in tests)
    assert not all(test({"app": "web", "tier": "a", "zone": "x"}) for test in tests)


def test_field_selectors_read_nested_fields() -> None:
    pod: Raw = {
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {"nodeName": "n1"},
        "status": {"phase": "Running"},
    }
    assert select(POD, "", "", "spec.nodeName=n1,status.phase!=Pending").matches(pod)
    assert not select(POD, "", "", "status.phase=Pending").matches(pod)
    assert select(POD, "", "", "spec.hostNetwork=false,status.podIP=").matches(pod)
    assert not select(POD, "other").matches(pod)


def test_fields_of_events_and_nodes() -> None:
    event: Raw = {"metadata": {"name": "e"}, "involvedObject": {"name": "p", "kind": "Pod"}, "reason": "Killing"}
    assert select(EVENT, "", "", "involvedObject.name=p,involvedObject.kind=Pod,reason=Killing").matches(event)
    assert select(NODE, "", "", "spec.unschedulable=false").matches({"metadata": {"name": "n"}, "spec": {}})


@pytest.mark.parametrize("selector", ["data.x=1", "status.phase=Running", "nonsense"])
def test_unknown_fields_are_a_bad_request(selector: str) -> None:
    with pytest.raises(StatusError) as refused:
        select(CONFIG_MAP, "", "", selector)
    assert refused.value.code == 400
