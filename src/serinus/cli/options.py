"""Options that commands share, and the one place where an error of the cluster becomes words and an exit code."""

import asyncio
import itertools
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from serinus.cli.exits import Exit
from serinus.core.spec import Image, Naming, Smoke, Spec
from serinus.kube.errors import ApiError, ConfigError, Forbidden, Invalid, KubeError, Unreachable
from serinus.kube.kubeconfig import Choice
from serinus.ports import Trouble

Command = TypeVar("Command", bound=Callable[..., Any])


def cluster_options(command: Command) -> Command:
    """Which cluster and namespace."""
    for option in (
        click.option("-n", "--namespace", help="Namespace. Default: the context's."),
        click.option("--context", help="Context of the kubeconfig. Default: its current one."),
        click.option("--kubeconfig", type=click.Path(path_type=Path), help="Default: $KUBECONFIG, ~/.kube/config."),
    ):
        command = option(command)
    return command


def release_options(command: Command) -> Command:
    """What is to be released, and how."""
    for option in reversed(
        (
            click.argument("service"),
            click.option("--image", "images", multiple=True, metavar="[CONTAINER=]IMAGE:TAG", help="The new image."),
            click.option("--version", help="The new version. Default: the image's tag. Without --image: its new tag."),
            click.option("--deployment", help="Production's Deployment. Default: found behind the Service."),
            click.option("--naming", type=click.Choice([n.value for n in Naming]), help="Default: as found."),
            click.option("--steps", metavar="P,P,...", help="Shares in percent. Default: 25,50,75."),
            click.option("--adapt", is_flag=True, help="Take the nearest reachable shares instead of refusing."),
            click.option("--bake", "bake_seconds", type=click.FloatRange(0), default=60.0, show_default=True,
                         help="Seconds each share must hold."),
            click.option("--ready-deadline", "ready_deadline_seconds", type=click.FloatRange(1), default=300.0,
                         show_default=True, help="Seconds until pods must be ready."),
            click.option("--smoke-http", metavar="PATH", help="This path of a canary pod must answer 2xx or 3xx."),
            click.option("--smoke-command", metavar="CMD", help="A command; its exit code is the verdict."),
            click.option("--smoke-timeout", "smoke_timeout_seconds", type=click.FloatRange(0.1), default=30.0,
                         show_default=True, help="Seconds a smoke test may take."),
            click.option("--keep-previous", is_flag=True, help="Keep the previous Deployment at 0 pods."),
            click.option("--replicas", type=click.IntRange(1), default=1, show_default=True,
                         help="Pods of a first deployment."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def spec_of(namespace: str, values: dict[str, Any]) -> Spec:
    """The spec that the options mean. Raises click.UsageError."""
    smoke = None
    if values["smoke_http"] or values["smoke_command"]:
        path = values["smoke_http"]
        if path is not None and not path.startswith("/"):
            raise click.BadParameter(f"{path!r} does not begin with '/'; write /{path}", param_hint="--smoke-http")
        smoke = Smoke(path, values["smoke_command"], values["smoke_timeout_seconds"])
    return Spec(
        namespace=namespace,
        service=values["service"],
        version=values["version"],
        images=tuple(_image(text) for text in values["images"]),
        deployment=values["deployment"],
        naming=Naming(values["naming"]) if values["naming"] else None,
        steps_percent=_steps(values["steps"]),
        adapt=values["adapt"],
        bake_seconds=values["bake_seconds"],
        ready_deadline_seconds=values["ready_deadline_seconds"],
        smoke=smoke,
        keep_previous=values["keep_previous"],
        replicas_when_new=values["replicas"],
    )


def _image(text: str) -> Image:
    container, found, image = text.partition("=")
    parsed = Image(image, container) if found else Image(text)
    if not parsed.image or (found and not container):
        raise click.BadParameter(f"{text!r} is not [CONTAINER=]IMAGE:TAG", param_hint="--image")
    return parsed


def _steps(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        steps = tuple(int(part.strip().removesuffix("%")) for part in text.split(","))
    except ValueError as error:
        problem = f"{text!r} is not a list of whole percentages such as 10,25,50"
        raise click.BadParameter(problem, param_hint="--steps") from error
    if any(not 1 <= step <= 100 for step in steps):
        raise click.BadParameter(f"{text!r}: every share is from 1 to 100 percent", param_hint="--steps")
    if any(later <= earlier for earlier, later in itertools.pairwise(steps)):
        raise click.BadParameter(f"{text!r}: shares must grow from step to step", param_hint="--steps")
    return steps


def choice_of(values: dict[str, Any]) -> Choice:
    """Which cluster the options mean; they are taken out of `values`."""
    return Choice(values.pop("kubeconfig"), values.pop("context"), values.pop("namespace"))


def run(work: Coroutine[Any, Any, Exit]) -> int:
    """Run a command's work; an error of the cluster is said once, with what, where, why and what to do."""
    try:
        return asyncio.run(work)
    except KubeError as error:
        click.echo(error_text(error), err=True)
        return Exit.REFUSED if isinstance(error, ConfigError | Forbidden | Invalid) else Exit.UNDECIDED
    except Trouble as trouble:
        click.echo(f"serinus: {trouble}", err=True)
        return Exit.UNDECIDED


def error_text(error: KubeError) -> str:
    """An error in four lines."""
    parts = [("where", error.where), ("why", error.why), ("do", error.hint)]
    lines = [f"  {name + ':':<6} {text}" for name, text in parts if text]
    what = f"cannot {error.what}" if isinstance(error, ApiError | Unreachable) else error.what
    return "\n".join([f"serinus: {what}", *lines])


def is_terminal() -> bool:
    """Whether a person watches."""
    return sys.stdout.isatty()
