"""Looks at queries before a rollout begins: syntax, unknown variables, rates where counters belong.

The syntax is checked by promql-parser, an optional package; without it that part is left out, and said to be. Whether
a query returns data for production is asked of the server (`prometheus.py`).
"""

import importlib
import re
from collections.abc import Mapping
from types import ModuleType

from serinus.metrics.config import Queries
from serinus.metrics.findings import Finding
from serinus.metrics.queries import filled, variables_of

LEFT_OUT = (
    "the queries' syntax was not checked: the package promql-parser is not here; install it with "
    "pip install 'serinus[promql]'"
)
_RATES = re.compile(r"\b(rate|irate|increase|delta|idelta|deriv|histogram_quantile|avg_over_time)\s*\(")
_COUNTERS = ("requests", "errors", "latency")


def lint(queries: Queries, canary: Mapping[str, str], stable: Mapping[str, str]) -> tuple[Finding, ...]:
    """Everything that can be said of the queries without asking anybody; the mappings are each track's variables."""
    parser = _parser()
    findings = [] if parser is not None else [Finding("", LEFT_OUT, is_error=False)]
    for name, query in queries.all().items():
        unknown = sorted(
            variable for variable in variables_of(query) if variable not in canary or variable not in stable
        )
        if unknown:
            known = ", ".join(sorted(canary))
            findings.append(
                Finding(name, f"variable {', '.join(unknown)} is not known for both tracks; there are {known}")
            )
            continue
        for_canary, for_stable = filled(query, canary), filled(query, stable)
        if for_canary == for_stable:
            what = (
                "it is the same for both tracks: name one by {{deployment}}, {{pods}}, {{track_service}} or {{track}}"
            )
            findings.append(Finding(name, what))
        findings += _of_counters(name, for_stable)
        if parser is not None:
            findings += _of_syntax(parser, name, for_stable)
    return tuple(findings)


def _of_counters(name: str, query: str) -> list[Finding]:
    """Counters are compared as they grow; a rate has thrown away what the judge needs."""
    found = _RATES.search(query) if name in _COUNTERS else None
    if found is None:
        return []
    return [
        Finding(name, f"{found.group(1)}() makes something else of a counter: give the counter itself, as in sum(...)")
    ]


def _of_syntax(parser: ModuleType, name: str, query: str) -> list[Finding]:
    try:
        expression = parser.parse(query)
    except ValueError as error:
        return [Finding(name, f"it is no PromQL: {error}: {query}")]
    kind = type(expression).__name__
    if kind in ("MatrixSelector", "SubqueryExpr"):
        return [Finding(name, "it gives a range of samples, where one sample per series is wanted")]
    if kind == "StringLiteral":
        return [Finding(name, "it gives a text, where numbers are wanted")]
    if name == "latency" and re.search(r"\ble\b", query) is None:
        return [Finding(name, "it has no label le, by which buckets are told: sum by (le) (..._bucket{...})")]
    return []


def _parser() -> ModuleType | None:
    try:
        return importlib.import_module("promql_parser")
    except ModuleNotFoundError:
        return None
