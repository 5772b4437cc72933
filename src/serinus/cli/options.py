"""Options that commands share, and the one place where an error of the cluster becomes words and an exit code."""

import asyncio
import enum
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from serinus.cli.exits import Exit
from serinus.core.spec import Capacity, Config, Interrupt, Naming, OnFailure
from serinus.kube.errors import ApiError, ConfigError, Forbidden, Invalid, KubeError, Unreachable
from serinus.kube.kubeconfig import Choice
from serinus.ports import SavedByNewer, Trouble

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
    """What is to be released, and how: each option is sugar for a field of the spec file (`flags.py`)."""
    for option in reversed(
        (
            click.argument("service", required=False),
            click.option("-f", "--file", "spec_file", metavar="FILE", help="A serinus.yaml; flags win. -: stdin."),
            click.option("--image", "images", multiple=True, metavar="[CONTAINER=]IMAGE:TAG", help="The new image."),
            click.option("--version", help="The new version. Default: the image's tag. Without --image: its new tag."),
            click.option("--deployment", help="Production's Deployment. Default: found behind the Service."),
            click.option("--naming", type=_words(Naming), help="Default: as found."),
            click.option("--capacity", type=_words(Capacity),
                         help="Production stays at full size, or pods are swapped. Default: swap."),
            click.option("--steps", metavar="P,P,...", help="Shares in percent. Default: 25,50,75."),
            click.option("--adapt/--no-adapt", default=None, help="Take the nearest reachable shares, or refuse."),
            click.option("--bake", metavar="TIME", help="How long each share must hold: 90, 90s, 1m30s. Default: 1m."),
            click.option("--ready-deadline", metavar="TIME", help="How long until pods must be ready. Default: 5m."),
            click.option("--smoke-http", metavar="PATH", help="This path of a canary pod must answer 2xx or 3xx."),
            click.option("--smoke-command", metavar="CMD", help="A command; its exit code is the verdict."),
            click.option("--smoke-timeout", metavar="TIME", help="How long a smoke test may take. Default: 30s."),
            click.option("--on-failure", type=_words(OnFailure), help="What a failed rollout does. Default: revert."),
            click.option("--interrupt", type=_words(Interrupt), help="What SIGINT and SIGTERM mean. Default: revert."),
            click.option("--keep-previous/--no-keep-previous", default=None,
                         help="Keep the previous Deployment at 0 pods."),
            click.option("--config", type=_words(Config),
                         help="ConfigMaps and Secrets: both versions' own, or the release's copies. Default: shared."),
            click.option("--replicas", type=int, help="Pods of a first deployment. Default: 1."),
            click.option("--during-freeze", metavar="REASON", help="Release in a freeze window all the same."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def _words(words: type[enum.Enum]) -> click.Choice[str]:
    return click.Choice([word.value for word in words])


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
        return Exit.REFUSED if isinstance(trouble, SavedByNewer) else Exit.UNDECIDED


def error_text(error: KubeError) -> str:
    """An error in four lines."""
    parts = [("where", error.where), ("why", error.why), ("do", error.hint)]
    lines = [f"  {name + ':':<6} {text}" for name, text in parts if text]
    what = f"cannot {error.what}" if isinstance(error, ApiError | Unreachable) else error.what
    return "\n".join([f"serinus: {what}", *lines])


def is_terminal() -> bool:
    """Whether a person watches."""
    return sys.stdout.isatty()
