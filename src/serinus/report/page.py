"""The page: one file that needs no other, to be kept beside the pipeline's run. No script, nothing fetched."""

from collections.abc import Iterable

from serinus import __version__
from serinus.core.reasons import Outcome
from serinus.judge.policy import MARGIN_KEYS, Policy
from serinus.report.charts import (
    Span,
    events_chart,
    evidence_chart,
    rates_chart,
    restarts_chart,
    share_chart,
    span_of,
)
from serinus.report.histogram import latency_figure
from serinus.report.markup import Markup, data_table, element, joined, style_sheet
from serinus.report.report import Report
from serinus.report.style import style_text
from serinus.report.text import (
    METRIC_HEAD,
    POD_HEAD,
    TIME_HEAD,
    TRACK_HEAD,
    metric_rows,
    pod_rows,
    recording_text,
    time_rows,
    track_rows,
)
from serinus.report.words import margin_text, seconds

TIMES_MAX = 40
FILE = "readings.jsonl"
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
SIGNS = {
    Outcome.PROMOTED: ("good", "✓"),
    Outcome.ROLLED_BACK: ("harm", "✗"),
    Outcome.ABORTED: ("open", "■"),
    Outcome.SUPERSEDED: ("open", "■"),
    Outcome.STUCK: ("harm", "!"),
}
NO_READINGS = "No readings of metrics are kept of this rollout. What its pods and checks showed stands above."


def page_of(report: Report) -> str:
    """The whole HTML document."""
    title = f"{report.subject.service}: {report.subject.version} {_outcome(report)}"
    span = span_of(report)
    head = element(
        "head",
        None,
        element("meta", {"charset": "utf-8"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": POLICY}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("title", None, title),
        style_sheet(style_text()),
    )
    sections = (_why(report), _numbers(report), _plots(report, span), _events(span), _rules(report), _repeat(report))
    body = element(
        "body",
        None,
        element("a", {"class": "skip", "href": "#main"}, "To the numbers"),
        _head(report),
        element("main", {"id": "main"}, *(section for section in sections if section is not None)),
        element("footer", None, f"Written by serinus {__version__}."),
    )
    return f"<!DOCTYPE html>\n{element('html', {'lang': 'en'}, head, body)}\n"


def _outcome(report: Report) -> str:
    outcome = report.subject.outcome
    if outcome is None:
        return "is under way"
    return "is stuck" if outcome is Outcome.STUCK else f"was {outcome.value}"


def _head(report: Report) -> Markup:
    subject = report.subject
    kind, sign = ("open", "…") if subject.outcome is None else SIGNS[subject.outcome]
    outcome = "under way" if subject.outcome is None else subject.outcome.value
    facts = [
        ("Service", f"{subject.service}, namespace {subject.namespace}"),
        ("Versions", f"{subject.version_before or 'nothing'} → {subject.version}"),
        ("Rollout", subject.rollout),
        ("Began", f"{subject.started:%Y-%m-%d %H:%M:%S %Z}"),
    ]
    if subject.ended is not None:
        facts.append(("Ended", f"{subject.ended:%Y-%m-%d %H:%M:%S %Z}, after {seconds(subject.seconds)}"))
    if subject.share_percent is not None:
        facts.append(("Greatest share", f"{subject.share_percent:.0f} % of traffic"))
    if subject.reason is not None:
        facts.append(("Reason", f"{subject.reason.name}: {subject.reason.value}"))
    return element(
        "header",
        None,
        element("h1", None, f"{subject.service}: {subject.version} {_outcome(report)}"),
        element("p", None, element("span", {"class": f"verdict {kind}"}, f"{sign} {outcome}")),
        element("p", {"class": "lead"}, _sentence(subject.evidence.sentence)),
        element("dl", None, *_pairs(facts)),
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}" if text else "No evidence."


def _pairs(facts: Iterable[tuple[str, str]]) -> list[Markup]:
    return [part for name, value in facts for part in (element("dt", None, name), element("dd", None, value))]


def _why(report: Report) -> Markup | None:
    parts = []
    if report.subject.evidence.lines:
        parts += [element("h2", None, "What was seen"), element("pre", None, "\n".join(report.subject.evidence.lines))]
    if report.changes:
        items = [element("li", None, change) for change in report.changes]
        parts += [element("h2", None, "What would have changed the verdict"), element("ul", None, *items)]
    return element("section", None, *parts) if parts else None


def _numbers(report: Report) -> Markup:
    parts = [element("h2", None, "Numbers")]
    if not report.tracks:
        return element("section", None, *parts, element("p", None, NO_READINGS))
    parts.append(data_table("table-tracks", "Canary and production", TRACK_HEAD, track_rows(report)))
    note = (
        "Counted since the canary's first reading. The interval is anytime-valid: it holds at every moment at once,"
        " for independent requests, however often one looks. p50, p95, p99: the time within which so many percent of"
        " requests were answered."
    )
    parts.append(element("p", {"class": "note"}, note))
    if report.metrics:
        parts.append(data_table("table-metrics", "Evidence by metric", METRIC_HEAD, metric_rows(report)))
    if report.counted.pods:
        parts.append(data_table("table-pods", "Pods", POD_HEAD, pod_rows(report)))
    note = "Evidence without it: all evidence together (log10) when decided, had this pod not been there."
    parts.append(element("p", {"class": "note"}, note))
    return element("section", None, *parts)


def _plots(report: Report, span: Span) -> Markup | None:
    charts = (
        events_chart(span),
        share_chart(report, span),
        rates_chart(report, span),
        evidence_chart(report, span),
        restarts_chart(report, span),
        latency_figure(report),
    )
    drawn = [chart for chart in charts if chart is not None]
    if not drawn:
        return None
    rows = time_rows(report, TIMES_MAX)
    if rows:
        drawn.append(data_table("table-time", "The same over time, in numbers", TIME_HEAD, rows))
    return element("section", None, element("h2", None, "Over time"), joined(drawn))


def _events(span: Span) -> Markup | None:
    if not span.moments:
        return None
    rows = [
        (str(number), f"{moment.t:.1f} s", moment.code.replace("_", " "), moment.sentence)
        for number, moment in enumerate(span.moments, 1)
    ]
    table = data_table(
        "table-events", "Events, with their time since the rollout began", ("no.", "time", "what", "in words"), rows
    )
    return element("section", None, element("h2", None, "Events"), table)


def _rules(report: Report) -> Markup | None:
    policy = report.policy
    if policy is None:
        return None
    facts = [
        ("Metrics", ", ".join(metric.value for metric in policy.metrics)),
        ("Alpha", f"{policy.alpha:g}: the chance that a harmless release is rolled back, over all metrics and looks"),
        ("Alpha of one pod", f"{policy.alpha_node:g}: the same, if one canary pod is arbitrarily bad"),
        ("Beta", f"{policy.beta:g}: the chance that a release at the margin of safety is called safe"),
        *((f"Margin, {key.replace('_', ' ')}", _margin(policy, key)) for key in MARGIN_KEYS),
        *_limits(policy),
    ]
    parts = (element("h2", None, "How it was judged"), element("dl", None, *_pairs(facts)))
    return element("section", None, *parts, element("p", {"class": "note"}, recording_text(report)))


def _margin(policy: Policy, key: str) -> str:
    margin = getattr(policy, key)
    return f"{margin_text(margin)} (relative + absolute)"


def _limits(policy: Policy) -> list[tuple[str, str]]:
    found = []
    if policy.limits.error_rate is not None:
        found.append(("Limit of errors", f"{policy.limits.error_rate:.3%} of the canary's requests"))
    if policy.limits.p99_seconds is not None:
        found.append(("Limit of p99", seconds(policy.limits.p99_seconds)))
    if policy.budget is not None:
        budget = policy.budget
        found.append(
            ("Error budget", f"{budget.stop_percent:g} % of a month's, at an objective of {budget.objective:.3%}")
        )
    return found


def _repeat(report: Report) -> Markup:
    parts = [element("h2", None, "To repeat it")]
    if not report.readings_kept:
        subject = report.subject
        command = f"serinus explain {subject.service} -n {subject.namespace} --rollout {subject.rollout}"
        return element("section", None, *parts, element("pre", None, command))
    commands = f"{report.export_command(FILE)}\n{report.repeat_command(FILE)}"
    note = (
        "The first writes the readings while the cluster still has them; the second judges them again, with no cluster."
    )
    return element("section", None, *parts, element("pre", None, commands), element("p", {"class": "note"}, note))
