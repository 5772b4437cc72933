"""`serinus history | list`: how rollouts ended, and where those under way are."""

import json
from typing import Any

import click

from serinus.cli.exits import Exit
from serinus.cli.options import choice_of, cluster_options, run
from serinus.cli.status import sentence_of
from serinus.core.record import NewerFormat, Past, Record, Unreadable
from serinus.kube.kubeconfig import Choice
from serinus.kube.resources import CONFIGMAPS, Raw
from serinus.kube.store import SERVICE_LABEL, saved_of
from serinus.kube.target import open_target
from serinus.wiring import open_session


@click.command()
@click.argument("service")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="A table, or JSON lines.")
@cluster_options
def history(service: str, output: str, **values: Any) -> int:
    """Show how the last rollouts of SERVICE ended, the newest first."""
    return run(_history(choice_of(values), service, output))


async def _history(choice: Choice, service: str, output: str) -> Exit:
    record = await _record(choice, service)
    for past in record.history if record is not None else ():
        click.echo(_json(past) if output == "json" else _line(past))
    if record is None or not record.history:
        click.echo(f"Service {service} was never released by Serinus", err=True)
    return Exit.DONE


async def _record(choice: Choice, service: str) -> Record | None:
    async with (
        open_session(choice) as session,
        open_target(session.client, session.client.namespace, service) as target,
    ):
        saved = target.store.load()
        return saved.record if saved is not None else None


@click.command(name="list")
@click.option("-A", "--all-namespaces", is_flag=True, help="In every namespace.")
@cluster_options
def list_(all_namespaces: bool, **values: Any) -> int:
    """List every Service that Serinus has released, and where its rollout is."""
    return run(_list(choice_of(values), all_namespaces))


async def _list(choice: Choice, all_namespaces: bool) -> Exit:
    async with open_session(choice) as session:
        namespace = None if all_namespaces else session.client.namespace
        listing = await session.client.list(CONFIGMAPS, namespace, label_selector=SERVICE_LABEL)
    rows = [_row(raw) for raw in listing.items]
    for row in sorted(rows):
        click.echo("  ".join(row))
    if not rows:
        click.echo("nothing was released by Serinus here", err=True)
    return Exit.DONE


def _row(raw: Raw) -> tuple[str, str, str]:
    where = f"{raw['metadata']['namespace']}/{raw['metadata']['labels'][SERVICE_LABEL]}"
    try:
        record = saved_of(raw).record
    except (NewerFormat, Unreadable, KeyError) as error:
        return where, "?", str(error)
    before = record.plan.stable.version if record.plan.stable is not None else "nothing"
    return where, f"{before} -> {record.plan.version}", sentence_of(record.plan, record.state)


def _line(past: Past) -> str:
    seconds = (past.ended - past.started).total_seconds()
    return (
        f"{past.ended:%Y-%m-%d %H:%M:%S}  {past.version_before or 'nothing'} -> {past.version}  {past.outcome.value} "
        f"after {seconds:.0f} s, {past.share_percent:.0f} %: {past.evidence.sentence}"
    )


def _json(past: Past) -> str:
    return json.dumps(
        {
            "rollout": past.rollout,
            "version_before": past.version_before,
            "version": past.version,
            "started": past.started.isoformat(),
            "ended": past.ended.isoformat(),
            "outcome": past.outcome.value,
            "reason": past.reason.name,
            "sentence": past.evidence.sentence,
            "lines": list(past.evidence.lines),
            "share_percent": round(past.share_percent, 2),
        }
    )
