"""Flags over a spec file: which wins, what they mean, and where their mistakes are told."""

from pathlib import Path
from typing import Any

import click
import pytest

from serinus.cli.flags import FLAGS, Wish, canary_of, wish_of
from serinus.cli.options import cluster_options, release_options
from serinus.cli.specfile import BadSpec
from serinus.core.gates import Command, Gate, Webhook
from serinus.core.spec import Capacity, Image, Naming, Smoke, Spec, StepSpec

FILE = """apiVersion: serinus.dev/v1alpha1
kind: Canary
metadata: {name: checkout, namespace: shop}
spec:
  service: checkout
  target: {naming: in-place}
  bake: 2m
  adapt: true
  steps: [{weight: 10, bake: 5m}, {weight: 50}]
  smoke: {httpPath: /healthz}
"""


@pytest.fixture
def spec_file(tmp_path: Path) -> str:
    path = tmp_path / "serinus.yaml"
    path.write_text(FILE)
    return str(path)


@click.command()
@release_options
@cluster_options
def asked(**values: Any) -> Wish:
    return wish_of(values)


def wish(*arguments: str) -> Wish:
    made: Wish = asked.main(list(arguments), standalone_mode=False)
    return made


def test_the_file_alone_is_enough(spec_file: str) -> None:
    spec = wish("-f", spec_file).spec("shop")
    assert spec == Spec(
        "shop",
        "checkout",
        naming=Naming.IN_PLACE,
        steps=(StepSpec(10, 300.0), StepSpec(50)),
        adapt=True,
        bake_seconds=120.0,
        smoke=Smoke("/healthz"),
    )


def test_gates_are_commands_or_web_addresses() -> None:
    spec = wish("checkout", "--gate", "journeys=./run.sh a=b", "--gate", "board=https://board.example.com/").spec(
        "shop"
    )
    assert spec.gates == (
        Gate("journeys", Command("./run.sh a=b")),
        Gate("board", Webhook("https://board.example.com/")),
    )


def test_flags_win_over_the_file(spec_file: str) -> None:
    flags = ["--steps", "5,25%", "--bake", "10", "--no-adapt", "--capacity", "keep", "--deployment", "prod"]
    spec = wish("other", "-f", spec_file, "--image", "app=a:1", "--image", "b:2", *flags).spec("shop")
    assert spec == Spec(
        "shop",
        "other",
        images=(Image("a:1", "app"), Image("b:2")),
        deployment="prod",
        naming=Naming.IN_PLACE,
        capacity=Capacity.KEEP,
        steps=(StepSpec(5), StepSpec(25)),
        bake_seconds=10.0,
        smoke=Smoke("/healthz"),
    )


def test_flags_alone_are_enough() -> None:
    flags = ["--ready-deadline", "1m30s", "--smoke-command", "true", "--smoke-timeout", "2m", "--keep-previous"]
    assert wish("checkout", *flags).spec("shop") == Spec(
        "shop",
        "checkout",
        ready_deadline_seconds=90.0,
        smoke=Smoke(None, "true", 120.0),
        keep_previous=True,
    )


def test_every_option_of_a_release_is_sugar_for_a_field_or_no_part_of_the_spec() -> None:
    parameters = {parameter.name for parameter in click.command()(release_options(lambda: None)).params}
    assert parameters == {*FLAGS, "spec_file", "during_freeze"}


def test_the_namespace_is_that_of_the_option_then_that_of_the_file(spec_file: str) -> None:
    assert wish("-f", spec_file).choice.namespace == "shop"
    assert wish("-f", spec_file, "-n", "test").choice.namespace == "test"
    assert wish("checkout").choice.namespace is None


def test_a_reason_to_release_during_a_freeze_is_no_part_of_the_file(spec_file: str) -> None:
    assert wish("-f", spec_file, "--during-freeze", "hotfix").spec("shop").during_freeze == "hotfix"
    assert wish("-f", spec_file, "--during-freeze", "").spec("shop").during_freeze is None


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (["--steps", "10,x"], "--steps: spec.steps[1].weight: wrong-type"),
        (["--steps", "10,10"], "--steps: spec.steps[1].weight: not-growing"),
        (["--steps", "0"], "--steps: spec.steps[0].weight: out-of-range"),
        (["--image", "app="], "--image: spec.images[0].image: bad-length"),
        (["--bake", "5 min"], "--bake: spec.bake: bad-format"),
        (["--gate", "Journeys"], "--gate: spec.gates[0].name: bad-format"),
        (["--gate", "journeys"], "--gate: spec.gates[0].command: bad-length"),
        (["--smoke-http", "healthz"], "--smoke-http: spec.smoke.httpPath: bad-format"),
        (["--replicas", "0"], "--replicas: spec.initialReplicas: out-of-range"),
    ],
)
def test_a_mistake_in_a_flag_is_told_with_its_name(arguments: list[str], place: str) -> None:
    with pytest.raises(BadSpec) as caught:
        wish("checkout", *arguments)
    assert caught.value.message.startswith(f"serinus: {place}")


def test_without_service_and_file_one_is_asked_for() -> None:
    with pytest.raises(click.UsageError, match="name the SERVICE to release"):
        wish()


def test_flags_over_a_file_that_is_no_mapping_leave_it_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "list.yaml"
    path.write_text("- a\n")
    with pytest.raises(BadSpec, match="a list"):
        canary_of(str(path), dict.fromkeys(FLAGS) | {"service": "checkout"})
