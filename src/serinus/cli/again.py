"""`serinus retry | undo`: a release whose wishes come from the record; from there on it is one like any other."""

from collections.abc import Callable
from typing import Any

import click

from serinus.cli.checked import Refused
from serinus.cli.exits import Exit
from serinus.cli.options import choice_of, cluster_options, run
from serinus.cli.output import writer_for
from serinus.cli.run import release
from serinus.core.again import retry_spec, undo_spec
from serinus.core.record import Record
from serinus.core.spec import Spec
from serinus.core.survey import Problem
from serinus.kube.kubeconfig import Choice
from serinus.kube.read import service_facts
from serinus.kube.target import Target, open_target
from serinus.wiring import open_session

Wish = Callable[[Record, Target], Spec | Problem]


@click.command()
@click.argument("service")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Lines, or JSON lines.")
@cluster_options
def retry(service: str, output: str, **values: Any) -> int:
    """Release the version of SERVICE again that was taken back last, as it was asked for then."""
    return run(_again(choice_of(values), service, output, lambda record, _target: retry_spec(record)))


@click.command()
@click.argument("service")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Lines, or JSON lines.")
@cluster_options
def undo(service: str, output: str, **values: Any) -> int:
    """Go back to the version of SERVICE before the last one that was promoted, all at once.

    A version that was kept (--keep-previous) is scaled up as it is; another one is released from its images. No user
    loses the new version before the old one is seen to serve. To undo the undo, say it again.
    """
    return run(_again(choice_of(values), service, output, _undo))


def _undo(record: Record, target: Target) -> Spec | Problem:
    raw = target.raw_service
    return undo_spec(record, service_facts(raw) if raw is not None else None)


async def _again(choice: Choice, service: str, output: str, wish: Wish) -> Exit:
    async with open_session(choice) as session:
        async with open_target(session.client, session.client.namespace, service) as target:
            saved = target.store.load()
            spec = wish(saved.record, target) if saved is not None else _never_released(target)
        if isinstance(spec, Problem):
            raise Refused((spec,))
        return await release(session, spec, writer_for(output, session.clock))


def _never_released(target: Target) -> Problem:
    where = f"Service {target.service} in namespace {target.namespace}"
    why = "Serinus has no record of a release of it"
    return Problem("there is nothing to go back to", where, why, f"release a version: serinus deploy {target.service}")
