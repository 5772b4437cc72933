"""`serinus deploy`."""

from typing import Any

import click

from serinus.cli.back import take_back
from serinus.cli.durations import Duration, duration_text
from serinus.cli.exits import Exit
from serinus.cli.flags import Wish, wish_of
from serinus.cli.options import cluster_options, release_options, run
from serinus.cli.output import writer_for
from serinus.cli.run import Unfinished, release
from serinus.kube.guard import AFTER_SECONDS_DEFAULT, Guard
from serinus.kube.lease import DURATION_SECONDS
from serinus.kube.target import open_target
from serinus.wiring import open_session


@click.command()
@release_options
@cluster_options
@click.option("--supersede", is_flag=True, help="Take another version's unfinished rollout back first.")
@click.option("--guard", "guard_image", metavar="IMAGE", help="Put up a guard of this image: it takes an abandoned "
              "rollout back (serinus guard --help).")  # fmt: skip
@click.option("--guard-after", type=Duration(DURATION_SECONDS), default=AFTER_SECONDS_DEFAULT,
              show_default=duration_text(AFTER_SECONDS_DEFAULT),
              help="How long there must be no sign of a runner before the guard acts.")  # fmt: skip
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Lines, or JSON lines.")
def deploy(output: str, supersede: bool, guard_image: str | None, guard_after: float, **values: Any) -> int:
    """Release a new version of what stands behind SERVICE as a canary, and take it back if it is worse.

    \b
    Exit codes: 0 promoted, or nothing to do; 1 rolled back; 2 wrong input, or refused before anything was touched;
    3 could not tell, or the cluster did not answer; 4 aborted by a person; 5 superseded; 130 interrupted.
    """
    guard = Guard(guard_image, guard_after) if guard_image is not None else None
    return run(_deploy(wish_of(values), output, supersede, guard))


async def _deploy(wish: Wish, output: str, supersede: bool, guard: Guard | None) -> Exit:
    async with open_session(wish.choice) as session:
        spec = wish.spec(session.client.namespace)
        writer = writer_for(output, session.clock)
        try:
            return await release(session, spec, writer, supersede, guard)
        except Unfinished:
            async with open_target(session.client, spec.namespace, spec.service) as target:
                writer.say("another version's rollout has not finished: taking it back first")
                await take_back(session, target, writer, "supersede")
        return await release(session, spec, writer, guard=guard)
