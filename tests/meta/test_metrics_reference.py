"""docs/reference/metrics.md against the table of well-known metrics."""

from serinus.core.endpoints import METRICS_PORT_NAMES, OTHER_PATHS
from serinus.metrics.known import FAMILIES, GAUGES
from tests.meta.source import ROOT
from tests.meta.test_docs import tables

PAGE = (ROOT / "docs" / "reference" / "metrics.md").read_text()


def test_every_family_is_documented_in_the_order_of_preference_with_its_latency() -> None:
    documented = [(row[0], row[1], row[3]) for row in tables("requests", "whose")]
    latencies = [", ".join(latency.name for latency in family.latency) or "none" for family in FAMILIES]
    expected = [(family.requests, family.what, names) for family, names in zip(FAMILIES, latencies, strict=True)]
    assert documented == expected


def test_every_gauge_is_documented_with_its_sources() -> None:
    documented = [tuple(row) for row in tables("gauge", "what", "from")]
    assert documented == [(one.key, one.what, ", ".join(source.name for source in one.sources)) for one in GAUGES]


def test_where_a_page_is_looked_for_is_documented() -> None:
    assert [word for word in (*METRICS_PORT_NAMES, *OTHER_PATHS) if f"`{word}`" not in PAGE] == []
