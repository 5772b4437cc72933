"""The part of JSONPath that is understood, and that everything else is refused with its place."""

import pytest

from serinus.metrics.jsonpath import BadPath, Json, parse_path

DOCUMENT: Json = {
    "total": 12,
    "tracks": [{"name": "v1", "count": 90}, {"name": "v2", "count": 10}],
    "a b": {"it's": 1, 'say "x"': 2, "ünï": 3},
    "null": None,
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", [DOCUMENT]),
        ("$.total", [12]),
        ("$.tracks[1].count", [10]),
        ("$.tracks[-1]['name']", ["v2"]),
        ("$.tracks[*].count", [90, 10]),
        ("$.tracks.*.count", [90, 10]),
        ("$['a b'][\"it's\"]", [1]),
        (r"$['a b']['it\'s']", [1]),
        ("$['a b']['say \"x\"']", [2]),
        ("$['a b'].ünï", [3]),
        (r"$['a b']['\u00fcn\u00ef']", [3]),
        ("$.null", [None]),
        ("$.missing", []),
        ("$.tracks[2]", []),
        ("$.tracks[-3]", []),
        ("$.total.count", []),
        ("$.total[0]", []),
        ("$.total.*", []),
        ("$[ 'total' ]", [12]),
    ],
)
def test_a_path_leads_where_the_standard_says(path: str, found: list[Json]) -> None:
    assert parse_path(path).find(DOCUMENT) == found


@pytest.mark.parametrize(
    "path",
    ["", "total", "$total", "$..count", "$.tracks[0:1]", "$.tracks[0,1]", "$[?@.a==1]", "$.a[", "$.", "$[01]", "$.1a"],
)
def test_everything_else_is_refused(path: str) -> None:
    with pytest.raises(BadPath):
        parse_path(path)


def test_a_refusal_says_where_and_what_there_is() -> None:
    with pytest.raises(BadPath, match=r"cannot be read from character 9 on \('\[0:1\]\.x'\): there are \.name"):
        parse_path("$.tracks[0:1].x")
