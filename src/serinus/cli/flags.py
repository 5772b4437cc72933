"""Flags as sugar for fields of the spec file: both become one document, and one parser reads it."""

import copy
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import click
import msgspec

from serinus.cli.durations import with_unit
from serinus.cli.options import choice_of
from serinus.cli.specfile import BadSpec, Problem, Source, read_canary, read_source
from serinus.core.canary import API_VERSION, KIND, Canary
from serinus.core.description import Path
from serinus.core.spec import OnFailure, Spec
from serinus.kube.kubeconfig import Choice
from serinus.kube.yamldoc import Document


class Flag(NamedTuple):
    """An option, the field it stands for, and how its text is written there."""

    option: str
    path: Path
    written: Callable[[Any], Any] = lambda value: value


def _steps(text: str) -> list[dict[str, Any]]:
    parts = (part.strip().removesuffix("%") for part in text.split(","))
    return [{"weight": int(part) if re.fullmatch(r"[0-9]{1,9}", part) else part} for part in parts]


def _images(texts: tuple[str, ...]) -> list[dict[str, str]]:
    images = []
    for text in texts:
        container, found, image = text.partition("=")
        images.append({"container": container, "image": image} if found else {"image": text})
    return images


FLAGS: dict[str, Flag] = {
    "service": Flag("SERVICE", ("spec", "service")),
    "images": Flag("--image", ("spec", "images"), _images),
    "version": Flag("--version", ("spec", "version")),
    "deployment": Flag("--deployment", ("spec", "target", "deployment")),
    "naming": Flag("--naming", ("spec", "target", "naming")),
    "capacity": Flag("--capacity", ("spec", "capacity")),
    "steps": Flag("--steps", ("spec", "steps"), _steps),
    "adapt": Flag("--adapt", ("spec", "adapt")),
    "bake": Flag("--bake", ("spec", "bake"), with_unit),
    "ready_deadline": Flag("--ready-deadline", ("spec", "readyDeadline"), with_unit),
    "smoke_http": Flag("--smoke-http", ("spec", "smoke", "httpPath")),
    "smoke_command": Flag("--smoke-command", ("spec", "smoke", "command")),
    "smoke_timeout": Flag("--smoke-timeout", ("spec", "smoke", "timeout"), with_unit),
    "on_failure": Flag("--on-failure", ("spec", "onFailure")),
    "interrupt": Flag("--interrupt", ("spec", "interrupt")),
    "keep_previous": Flag("--keep-previous", ("spec", "keepPrevious")),
    "config": Flag("--config", ("spec", "config")),
    "replicas": Flag("--replicas", ("spec", "initialReplicas")),
}
"""By the name of the command's parameter."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for: in which cluster, and what."""

    choice: Choice
    canary: Canary
    during_freeze: str | None

    def spec(self, namespace: str) -> Spec:
        """The spec, for a release in `namespace`."""
        spec = msgspec.structs.replace(self.canary.spec(namespace), during_freeze=self.during_freeze)
        if spec.on_failure is OnFailure.ASK and not sys.stdin.isatty():  # nobody to ask
            return msgspec.structs.replace(spec, on_failure=OnFailure.REVERT)
        return spec


def wish_of(values: dict[str, Any]) -> Wish:
    """What the options of `cluster_options` and `release_options` mean. Raises BadSpec with every problem."""
    choice, during_freeze = choice_of(values), values["during_freeze"] or None
    canary = canary_of(values["spec_file"], values)
    return Wish(replace(choice, namespace=choice.namespace or canary.namespace), canary, during_freeze)


def canary_of(spec_file: str | None, values: dict[str, Any]) -> Canary:
    """What the spec file and the flags over it mean. Raises BadSpec with every problem of both."""
    if spec_file is None:
        if values["service"] is None:
            raise click.UsageError("name the SERVICE to release, or give a spec file with -f FILE")
        head = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "flags"}, "spec": {}}
        source: Source | Problem = Source("", Document(head))
    else:
        source = read_source(spec_file)
    if isinstance(source, Problem):
        raise BadSpec((source,))
    canary = read_canary(_overlaid(source, values))
    if isinstance(canary, Canary):
        return canary
    raise BadSpec(canary)


def _overlaid(source: Source, values: dict[str, Any]) -> Source:
    """The source with the flags' values in their fields."""
    given = {name: values[name] for name in FLAGS if values[name] not in (None, ())}
    merged = copy.deepcopy(source.document.value)
    options = {}
    for name, value in given.items():
        flag = FLAGS[name]
        if _put(merged, flag.path, flag.written(value)):
            options[flag.path] = flag.option
    return replace(source, document=replace(source.document, value=merged), options=options)


def _put(document: Any, path: Path, value: Any) -> bool:
    """Set a field, with the mappings around it; False where the document has something else in its place."""
    for part in path[:-1]:
        if not isinstance(document, dict):
            return False
        document = document.setdefault(part, {})
    if not isinstance(document, dict):
        return False
    document[path[-1]] = value
    return True
