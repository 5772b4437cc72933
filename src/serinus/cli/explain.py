"""`serinus explain`: why a rollout is where it is or ended as it did, in numbers: as text, JSON, or a page."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from serinus.cli.exits import MEANINGS, Exit
from serinus.cli.options import choice_of, cluster_options, run
from serinus.cli.status import sentence_of
from serinus.core.record import Record
from serinus.judge.kept import Kept
from serinus.judge.recording import json_lines
from serinus.kube.kubeconfig import Choice
from serinus.kube.target import Target, open_target
from serinus.ports import Trouble
from serinus.report.data import json_of
from serinus.report.page import page_of
from serinus.report.report import Report, report_of
from serinus.report.subject import rollouts_of, subject_of
from serinus.report.text import text_of
from serinus.wiring import open_session

STANDARD_OUTPUT = "-"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be told, of which rollout (None: the last one), and what is to be written where."""

    service: str
    rollout: str | None
    html: str | None
    readings: str | None
    output: str


@click.command()
@click.argument("service", required=False)
@click.option(
    "--rollout", metavar="ID", help="Which of the last rollouts; see serinus history -o json. Default: the last."
)
@click.option("--html", metavar="FILE", help="Write a page with plots, made to be kept. -: standard output.")
@click.option("--readings", metavar="FILE", help="Write the recorded readings, for serinus judge replay. -: stdout.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Text, or one JSON object.")
@cluster_options
def explain(
    service: str | None, rollout: str | None, html: str | None, readings: str | None, output: str, **values: Any
) -> int:
    """Say why the rollout of SERVICE is where it is, or ended as it did. Without SERVICE: what the exit codes mean."""
    if service is None:
        if rollout or html or readings:
            raise click.UsageError("--rollout, --html and --readings need a SERVICE")
        for code, meaning in MEANINGS.items():
            click.echo(f"{code.value:>3}  {meaning}")
        return Exit.DONE
    if html == readings == STANDARD_OUTPUT:
        raise click.UsageError("--html and --readings cannot both go to standard output")
    return run(_explain(choice_of(values), Wanted(service, rollout, html, readings, output)))


async def _explain(choice: Choice, wanted: Wanted) -> Exit:
    async with (
        open_session(choice) as session,
        open_target(session.client, session.client.namespace, wanted.service) as target,
    ):
        saved = target.store.load()
        if saved is None:
            click.echo(_nothing(target, wanted))
            return Exit.DONE if wanted.rollout is None else Exit.REFUSED
        kept = await _kept(target)
    return _tell(saved.record, kept, wanted)


def _nothing(target: Target, wanted: Wanted) -> str:
    if wanted.output == "json":
        return json.dumps({"service": target.service, "namespace": target.namespace, "rollout": None})
    return f"Service {target.service} was never released by Serinus"


async def _kept(target: Target) -> tuple[Kept, ...]:
    """The recordings; what keeps them from being read is told, and the rest is explained without them."""
    try:
        return await target.recordings.load()
    except Trouble as trouble:
        click.echo(f"serinus: without readings, as they cannot be read: {trouble}", err=True)
        return ()


def _tell(record: Record, kept: tuple[Kept, ...], wanted: Wanted) -> Exit:
    subject = subject_of(record, wanted.rollout, kept, sentence_of(record.plan, record.state))
    if subject is None:
        known = ", ".join(rollouts_of(record))
        click.echo(f"serinus: no rollout {wanted.rollout} of Service {wanted.service}; known: {known}", err=True)
        return Exit.REFUSED
    report = report_of(subject)
    if wanted.readings is not None:
        if subject.kept is None or not subject.kept.recording.readings:
            click.echo(f"serinus: no readings are kept of rollout {subject.rollout}", err=True)
            return Exit.REFUSED
        _write(wanted.readings, json_lines(subject.kept.recording, subject.rollout))
    if wanted.html is not None:
        _write(wanted.html, [page_of(report).encode()])
    if STANDARD_OUTPUT not in (wanted.html, wanted.readings):
        click.echo(_text(report, wanted.output))
    return Exit.DONE


def _text(report: Report, output: str) -> str:
    return json.dumps(json_of(report)) if output == "json" else text_of(report)


def _write(file: str, parts: Iterable[bytes]) -> None:
    """Write a file, or standard output."""
    body = b"".join(parts)
    if file == STANDARD_OUTPUT:
        click.echo(body, nl=False)
        return
    try:
        Path(file).write_bytes(body)
    except OSError as error:
        raise click.UsageError(
            f"cannot write {file}: {error.strerror}; give a file in a folder that is there"
        ) from error
