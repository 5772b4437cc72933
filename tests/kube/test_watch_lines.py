"""The stream's format: however it is cut, the same events come out."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.kube import errors
from serinus.kube.watch import LINE_BYTES_MAX, EventLines
from tests.kube.support import event, pod

names = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)


@settings(deadline=None)
@given(st.lists(names, max_size=6), st.lists(st.integers(0, 1200), max_size=12), st.booleans())
def test_however_the_stream_is_cut_the_same_events_come_out(names: list[str], cuts: list[int], blank: bool) -> None:
    sent = [event("ADDED", pod(name, version)) for version, name in enumerate(names)]
    separator = b"\n\n" if blank else b"\n"
    stream = b"".join(json.dumps(each, ensure_ascii=False).encode() + separator for each in sent)
    lines = EventLines("watch", "here")
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    got = [each for start, end in itertools.pairwise(edges) for each in lines.take(stream[start:end])]
    assert [(each.type, each.object) for each in got] == [(each["type"], each["object"]) for each in sent]


def test_a_line_without_an_end_is_given_up() -> None:
    lines = EventLines("watch", "here")
    assert lines.take(b"x" * (LINE_BYTES_MAX - 10)) == []
    with pytest.raises(errors.ServerError, match="longer than"):
        lines.take(b"x" * 11)
