"""Pages of metrics, whole and broken: each kind of trouble has an answer of its own."""

import gzip
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.judge.answers import Answer, Empty, Failed, Known
from serinus.metrics.exposition import PAGE_BYTES_MAX, Body, Page, Sample, read_page

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def read(text: str | bytes, content_type: str = "text/plain; version=0.0.4", status: int = 200) -> Answer[Page]:
    content = text.encode() if isinstance(text, str) else text
    return read_page(Body(status, content_type, content), lambda _: True)


def page(text: str, content_type: str = "text/plain") -> Page:
    answer = read(text, content_type)
    assert isinstance(answer, Known), answer
    return answer.value


def why(answer: Answer[Page]) -> str:
    assert isinstance(answer, Failed), answer
    return answer.why


def test_names_labels_values_and_timestamps_are_read() -> None:
    text = '# HELP a words\n# TYPE a counter\na{b="c",d="e"} 1.5e3 1700000000500\n\nplain 7\n'
    read_page = page(text)
    assert read_page.samples == {
        "a": [Sample({"b": "c", "d": "e"}, 1500.0, 1700000000.5)],
        "plain": [Sample({}, 7.0)],
    }
    assert read_page.types == {"a": "counter"}


def test_escapes_in_label_values_are_undone_and_braces_and_commas_in_them_are_text() -> None:
    [sample] = page('a{b="x\\"y\\\\z\\nw",c="}, {d=\\"1\\"} 5"} 1\n').samples["a"]
    assert sample.labels == {"b": 'x"y\\z\nw', "c": '}, {d="1"} 5'}


def test_nan_and_infinities_are_values() -> None:
    samples = page("a NaN\nb +Inf\nc -Inf\n").samples
    assert math.isnan(samples["a"][0].value)
    assert (samples["b"][0].value, samples["c"][0].value) == (math.inf, -math.inf)


def test_spaces_and_a_trailing_comma_are_allowed_where_the_format_allows_them() -> None:
    assert page('a { b = "c" , } 3\n').samples["a"] == [Sample({"b": "c"}, 3.0)]


def test_openmetrics_is_read_with_its_exemplars_and_its_timestamps_in_seconds() -> None:
    text = '# TYPE a counter\na_total{b="c"} 3 1700000000.5 # {trace_id="x"} 0.5 1.0\n# EOF\n'
    assert page(text, OPENMETRICS).samples == {"a_total": [Sample({"b": "c"}, 3.0, 1700000000.5)]}


def test_a_gzipped_page_is_unpacked() -> None:
    answer = read(gzip.compress(b"a 1\n"))
    assert isinstance(answer, Known)
    assert answer.value.samples == {"a": [Sample({}, 1.0)]}


def test_a_series_given_twice_counts_once_and_is_told() -> None:
    answer = read('a{x="1",y="2"} 1\na{y="2",x="1"} 5\n')
    assert isinstance(answer, Known)
    assert answer.value.samples["a"] == [Sample({"x": "1", "y": "2"}, 1.0)]
    assert answer.notes == ("line 2 gives a series of a a second time; the first one counts",)


@pytest.mark.parametrize(
    ("text", "content_type", "reason"),
    [
        ("a 1\nhttp_requests_total 12", "text/plain", "cut off: its last line has no end"),
        ("a 1\n", OPENMETRICS, "cut off: it does not end with # EOF"),
        ("<!DOCTYPE html><html></html>\n", "text/plain", "HTML in place of metrics"),
        ("welcome\n", "text/html; charset=utf-8", "HTML in place of metrics"),
        ('{"status": "ok"}\n', "application/json", "content type application/json"),
        ("\x0a", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily", "protobuf"),
        ("OK\n", "text/plain", "not a page of metrics: line 1 has no value"),
        ("it works well\n", "text/plain", "not a page of metrics: line 1"),
        ('a{b="c} 1\n', "text/plain", "line 1 has labels that do not end"),
        ('a{b="c",b="d"} 1\n', "text/plain", "line 1 has label b twice"),
        ("a 1_000\n", "text/plain", "line 1 has '1_000' where a number belongs"),
        ("a 1 2 3\n", "text/plain", "line 1 has more than a value and a timestamp"),
        ("5a 1\n", "text/plain", "line 1 has no metric name"),
    ],
)
def test_what_is_no_page_of_metrics_is_a_failure_that_says_why(text: str, content_type: str, reason: str) -> None:
    assert reason in why(read(text, content_type))


def test_another_status_than_200_is_a_failure() -> None:
    assert why(read("a 1\n", status=404)) == "status 404 in place of 200"


def test_bytes_that_are_no_text_are_a_failure() -> None:
    assert why(read(b'a{b="\xff"} 1\n')) == "not UTF-8 at byte 5"


@pytest.mark.parametrize("text", ["", "\n", "# HELP a words\n# TYPE a counter\n"])
def test_a_page_without_a_sample_is_empty_which_is_not_a_failure(text: str) -> None:
    assert isinstance(read(text), Empty)


def test_a_page_above_the_limit_is_a_failure_also_when_it_is_small_on_the_wire() -> None:
    large = b"a 1\n" * (PAGE_BYTES_MAX // 4 + 1)
    assert why(read(large)) == "the page is larger than 4 MiB"
    assert why(read(gzip.compress(large))) == "the page is larger than 4 MiB"


def test_a_gzip_stream_that_is_cut_off_is_a_failure() -> None:
    packed = gzip.compress(b"a 1\n" * 100)
    assert "cut off" in why(read(packed[:-12]))
    assert "cannot be unpacked" in why(read(b"\x1f\x8b" + b"nonsense"))


def test_lines_that_nobody_asked_for_are_not_taken_apart() -> None:
    answer = read_page(Body(200, "", b'good 1\nbad{ x\nwanted{a="b"} 2\n'), lambda name: name == "wanted")
    assert isinstance(answer, Known)
    assert answer.value.samples == {"wanted": [Sample({"a": "b"}, 2.0)]}


LABEL_VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12)


@settings(deadline=None)  # a busy machine is no failure
@given(st.dictionaries(st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,5}", fullmatch=True), LABEL_VALUES, max_size=4))
def test_any_label_value_comes_back_as_it_was_written(labels: dict[str, str]) -> None:
    escaped = {
        name: value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for name, value in labels.items()
    }
    line = "m{" + ",".join(f'{name}="{value}"' for name, value in escaped.items()) + "} 1\n"
    assert page(line).samples["m"] == [Sample(labels, 1.0)]


@settings(deadline=None)  # a busy machine is no failure
@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(content: bytes) -> None:
    read(content)
    read(b"a 1\n" + content + b"\n")
