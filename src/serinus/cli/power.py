"""`serinus judge power`: false alarms and detection times of the judge on a service like this one. Needs no cluster."""

import json
from collections.abc import Iterator

import click
import msgspec

from serinus.cli.exits import Exit
from serinus.judge.policy import Metric, Policy, PolicyError, parse_margins, policy_of
from serinus.judge.power import Row, Service, power
from serinus.system import SystemDice

HARMS = (0.01, 0.02, 0.05, 0.2, 1.0)


@click.command(name="power")
@click.option("--requests-per-second", type=click.FloatRange(0.01), default=100.0, show_default=True)
@click.option("--error-rate", type=click.FloatRange(0, 1), default=0.001, show_default=True, help="Production's.")
@click.option("--share", type=click.FloatRange(0.1, 99), default=10.0, show_default=True, help="The canary's, percent.")
@click.option("--canary-pods", type=click.IntRange(1, 100), default=2, show_default=True)
@click.option("--stable-pods", type=click.IntRange(1, 1000), default=6, show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=1800.0, show_default=True, help="Of each rollout.")
@click.option("--interval", type=click.FloatRange(0.1), default=5.0, show_default=True, help="Between readings.")
@click.option("--harm", type=click.FloatRange(0, 1), multiple=True, help="Error rates of the canary. Default: some.")
@click.option("--runs", type=click.IntRange(1), default=100, show_default=True, help="Rollouts of each row.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--alpha", type=float, default=Policy().alpha, show_default=True, help="Chance of a false rollback.")
@click.option("--margins", default="", metavar="M", help="Such as errors=0.25+0.001.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="A table, or JSON lines.")
def power_command(
    requests_per_second: float,
    error_rate: float,
    share: float,
    canary_pods: int,
    stable_pods: int,
    seconds: float,
    interval: float,
    harm: tuple[float, ...],
    runs: int,
    seed: int,
    alpha: float,
    margins: str,
    output: str,
) -> int:
    """Simulate rollouts of a service, and print how often and how soon the judge takes them back.

    The first row is a canary that is no worse than production: what it finds are false alarms.
    """
    try:
        policy = policy_of(alpha, (Metric.ERRORS, Metric.RESTARTS), parse_margins(margins) if margins else {})
    except PolicyError as error:
        raise click.UsageError(str(error)) from error
    service = Service(requests_per_second, error_rate, share, canary_pods, stable_pods, interval)
    rates = (error_rate, *(harm or (rate for rate in HARMS if rate > error_rate)))
    rows = power(policy, service, rates, runs, seconds, SystemDice(seed).fraction)
    for line in _json_lines(rows) if output == "json" else _table(rows, error_rate):
        click.echo(line)
    return Exit.DONE


def _json_lines(rows: Iterator[Row]) -> Iterator[str]:
    return (json.dumps(msgspec.to_builtins(row)) for row in rows)


def _table(rows: Iterator[Row], error_rate: float) -> Iterator[str]:
    yield "canary fails   taken back (95 % interval)     after, mean (p90)    its requests failed by then"
    for row in rows:
        is_harmless = row.error_rate == error_rate
        found = f"{100 * row.found:.3g} % ({100 * row.found_from:.3g} to {100 * row.found_to:.3g} %)"
        after = f"{row.mean_seconds:.0f} s ({row.p90_seconds:.0f} s)" if row.mean_seconds is not None else "-"
        failed = f"{row.mean_failed:.0f}" if row.mean_failed is not None else "-"
        kind = "   false alarms" if is_harmless else ""
        yield f"{100 * row.error_rate:>10.3g} %   {found:<28}   {after:<18}   {failed}{kind}"
