"""`serinus judge replay`: recorded readings through the very judge that decides on rollouts. Needs no cluster."""

import sys
from typing import IO

import click
import msgspec

from serinus.cli.exits import Exit
from serinus.core.turn import Verdict
from serinus.judge.decide import Finding
from serinus.judge.explain import sentence_of
from serinus.judge.judge import step
from serinus.judge.policy import Policy, PolicyError, parse_margins, parse_metrics, policy_of
from serinus.judge.readings import Reading
from serinus.judge.state import State


class Answer(msgspec.Struct, omit_defaults=True):
    """One line of output. `evidence`: log10 of E over all metrics; `evidence_needed`: from where on it means fail."""

    run: str
    verdict: str
    t: float
    metric: str
    evidence: float
    evidence_needed: float
    reason: str
    may_advance: bool | None = None
    replace: str | None = None


class Run:
    """One rollout of a recording."""

    def __init__(self) -> None:
        self.state = State()
        self.last: Finding | None = None


_encode = msgspec.json.Encoder().encode


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True), metavar="FILE")
@click.option("--each", is_flag=True, help="Answer every line as it comes, with what is known by then.")
@click.option("--alpha", type=float, default=Policy().alpha, show_default=True, help="Chance of a false rollback.")
@click.option("--margins", default="", metavar="M", help="Such as errors=0.25+0.001,latency=0.25+0.002.")
@click.option("--metrics", default="", metavar="M", help="Such as errors,latency; default: all that are there.")
def replay(file: str, each: bool, alpha: float, margins: str, metrics: str) -> int:
    """Feed recorded readings (FILE, or - for standard input) through the judge.

    \b
    Exit codes: 0 all was read; 2 a line could not be understood.
    """
    try:
        chosen = parse_metrics(metrics) if metrics else Policy().metrics
        policy = policy_of(alpha, chosen, parse_margins(margins) if margins else {})
    except PolicyError as error:
        raise click.UsageError(str(error)) from error
    with click.open_file(file, "rb") as recording:
        runs = _replay(policy, recording, "standard input" if file == "-" else file, each)
    if not each:
        for name, run in runs.items():
            if run.last is not None:
                _write(_answer(name, policy, run, run.last))
    return Exit.DONE


def _replay(policy: Policy, recording: IO[bytes], source: str, each: bool) -> dict[str, Run]:
    """All runs of the recording, judged to its end. Reads a line, and no further, before it is judged and answered."""
    runs: dict[str, Run] = {}
    decode = msgspec.json.Decoder(Reading).decode
    for number, line in enumerate(iter(recording.readline, b""), 1):
        if line.isspace():
            continue
        try:
            reading = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _bad_line(source, number, line, error) from error
        run = runs.get(reading.run)
        if run is None:
            run = runs[reading.run] = Run()
        if each or run.last is None or run.last.verdict is not Verdict.FAIL:
            run.state, run.last = step(policy, run.state, reading)
        if each:
            _write(_answer(reading.run, policy, run, run.last))
    return runs


def _answer(name: str, policy: Policy, run: Run, finding: Finding) -> Answer:
    return Answer(
        name,
        finding.verdict.name.lower(),
        finding.t,
        finding.metric,
        round(finding.evidence, 4),
        round(finding.threshold, 4),
        sentence_of(policy, run.state, finding),
        finding.may_advance,
        finding.replace,
    )


def _write(answer: Answer) -> None:
    sys.stdout.buffer.write(_encode(answer) + b"\n")
    sys.stdout.buffer.flush()


def _bad_line(name: str, number: int, line: bytes, error: Exception) -> click.UsageError:
    met = line.decode(errors="replace").strip()
    met = met if len(met) <= 80 else met[:77] + "..."
    return click.UsageError(
        f"{name}, line {number}: {error}; met {met}; wanted one reading as a JSON object, such as"
        ' {"run": "r1", "t": 5.0, "weight_percent": 10, "pods": [{"name": "c-1", "track": "canary", "requests": 12,'
        ' "errors": 0}]}'
    )
