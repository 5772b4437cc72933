"""The page is whole, small, closed to what is put into it, and can be read without eyes, mouse, network or colour."""

import dataclasses
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from serinus.core.reasons import Outcome, Reason
from serinus.core.state import Evidence
from serinus.judge.kept import Kept, Moment
from serinus.judge.policy import Policy
from serinus.judge.recording import append
from serinus.report.markup import VOID
from serinus.report.page import page_of
from serinus.report.report import report_of
from serinus.report.subject import Subject
from tests.core.samples import START, after
from tests.report.rollouts import BAD, GOOD, HOSTILE, SLOW, Shape, long_rollout
from tests.report.subjects import subject_from

EVIL = "</pre></script><script>alert('1')</script><img src=x onerror=alert(2)>\x1b[31m\x00&amp;"


def without_metrics(reason: Reason = Reason.CRASH_LOOP) -> Subject:
    kept = Kept("0000bbbb", START, None, [Moment(1.5, "leaving", f"taking everything back: {EVIL}")])
    evidence = Evidence(f"container app of pod {EVIL} ended 3 times", (f"log: {EVIL}",))
    return Subject("shop", "checkout", "0000bbbb", "v1", "v2", START, after(9.0), Outcome.ROLLED_BACK, reason, evidence,
                   25.0, kept)  # fmt: skip


SHAPES: dict[str, Shape] = {"bad": BAD, "good": GOOD, "slow": SLOW, "hostile": HOSTILE}


@pytest.fixture(scope="module", params=[*SHAPES, "no metrics", "nothing kept"])
def page(request: pytest.FixtureRequest) -> str:
    if request.param in SHAPES:
        return page_of(report_of(subject_from(SHAPES[request.param])))
    subject = without_metrics()
    if request.param == "nothing kept":
        subject = Subject(
            "shop", "checkout", "0000cccc", None, "v2", START, None, None, None, Evidence(EVIL), None, None
        )
    return page_of(report_of(subject))


class Outline(HTMLParser):
    """Elements in order, with their attributes; asserts that they are nested as they must be."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[int, list[str]] = {}
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.inside[len(self.found)] = list(self._open)
        self.found.append((tag, dict(attributes)))
        self._open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.inside[len(self.found)] = list(self._open)
        self.found.append((tag, dict(attributes)))
        assert tag in VOID

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def of(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag == name]


def test_nothing_is_run_and_nothing_is_fetched(page: str) -> None:
    outline = Outline(page)
    tags = {tag for tag, _ in outline.found}
    assert not tags & {"script", "img", "link", "iframe", "object", "embed", "form", "base", "image", "use"}
    for _, attributes in outline.found:
        assert not [name for name in attributes if name.startswith("on")]
        assert str(attributes.get("href", "#")).startswith("#")
        assert "src" not in attributes
    assert "http://" not in page
    assert "https://" not in page
    assert "@import" not in page
    assert "url(" not in page


def test_no_control_character_gets_into_it(page: str) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", page)


def test_every_plot_has_a_name_and_a_description(page: str) -> None:
    outline = Outline(page)
    identifiers = {attributes.get("id") for _, attributes in outline.found}
    for attributes in outline.of("svg"):
        if attributes.get("aria-hidden") == "true":
            continue
        assert attributes["role"] == "img"
        names = str(attributes["aria-labelledby"]).split()
        assert len(names) == 2
        assert set(names) <= identifiers


def test_every_table_has_a_caption_and_heads_with_a_scope_and_can_be_reached_by_keyboard(page: str) -> None:
    outline = Outline(page)
    assert len(outline.of("table")) == len(outline.of("caption"))
    assert all(attributes.get("scope") in ("col", "row") for attributes in outline.of("th"))
    regions = [attributes for attributes in outline.of("div") if attributes.get("role") == "region"]
    assert len(regions) == len(outline.of("table"))
    captions = {attributes["id"] for attributes in outline.of("caption")}
    assert all(attributes["tabindex"] == "0" and attributes["aria-labelledby"] in captions for attributes in regions)


def test_identifiers_are_there_once(page: str) -> None:
    identifiers = [attributes["id"] for _, attributes in Outline(page).found if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))


def test_headings_go_down_one_level_at_a_time_and_the_page_says_its_language(page: str) -> None:
    outline = Outline(page)
    levels = [int(tag[1]) for tag, _ in outline.found if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert outline.of("html") == [{"lang": "en"}]
    assert len(outline.of("main")) == 1
    assert outline.of("a")[0] == {"class": "skip", "href": "#main"}


def test_no_number_of_a_plot_is_lost_on_the_way(page: str) -> None:
    assert not re.search(r"[\" ](nan|inf|-inf|None)[\" ]", page, re.IGNORECASE)


def test_a_long_rollout_of_ten_pods_stays_below_half_a_megabyte() -> None:
    kept = Kept("0000aaaa", START, Policy(), [Moment(float(t), "step_holds", "x" * 240) for t in range(0, 7200, 60)])
    for reading in long_rollout(2.0, 10):
        append(kept.recording, reading)
    subject = dataclasses.replace(subject_from(GOOD), ended=after(7200.0), kept=kept)
    assert len(page_of(report_of(subject)).encode()) < 500_000


def test_a_rollout_with_metrics_shows_all_its_plots() -> None:
    page = page_of(report_of(subject_from(BAD)))
    for name in ("events", "share", "rates", "evidence", "restarts", "latency"):
        assert f'id="plot-{name}-title"' in page


def test_a_rollout_without_metrics_shows_what_its_pods_showed_and_what_happened() -> None:
    page = page_of(report_of(without_metrics()))
    assert "ended 3 times" in page
    assert 'id="plot-events-title"' in page
    assert "A container that goes on running" in page
    assert "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;" in page


def test_the_same_rollout_gives_the_same_page() -> None:
    assert page_of(report_of(subject_from(BAD))) == page_of(report_of(subject_from(BAD)))
