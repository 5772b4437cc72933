"""`serinus deploy`."""

from typing import Any

import click

from serinus.cli.exits import Exit
from serinus.cli.options import choice_of, cluster_options, release_options, run, spec_of
from serinus.cli.output import writer_for
from serinus.cli.run import release
from serinus.kube.kubeconfig import Choice
from serinus.wiring import open_session


@click.command()
@release_options
@cluster_options
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Lines, or JSON lines.")
def deploy(output: str, **values: Any) -> int:
    """Release a new version of what stands behind SERVICE as a canary, and take it back if it is worse.

    \b
    Exit codes: 0 promoted, or nothing to do; 1 rolled back; 2 wrong input, or refused before anything was touched;
    3 could not tell, or the cluster did not answer; 4 aborted by a person; 130 interrupted.
    """
    return run(_deploy(choice_of(values), output, values))


async def _deploy(choice: Choice, output: str, values: dict[str, Any]) -> Exit:
    async with open_session(choice) as session:
        spec = spec_of(session.client.namespace, values)
        return await release(session, spec, writer_for(output, session.clock))
