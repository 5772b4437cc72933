"""A plan that everything speaks for: found, resolved and passed by the preflight; or every problem at once."""

import os
from dataclasses import dataclass

import click
import msgspec

from serinus.cli.exits import Exit
from serinus.cli.measured import measure
from serinus.cli.output import problems_text
from serinus.core.freeze import freeze_problems, frozen_at
from serinus.core.plan import Plan
from serinus.core.preflight.facts import Note
from serinus.core.resolve import NothingToDo, Objections, resolve
from serinus.core.spec import Spec
from serinus.core.survey import Problem
from serinus.gates.secret import secret_problems
from serinus.judge.forecast import Forecast
from serinus.kube.preflight import preflight
from serinus.kube.target import Target, survey
from serinus.wiring import Session


class Refused(click.ClickException):
    """Wrong input, or refused before anything was touched: every problem, exit code 2."""

    exit_code = Exit.REFUSED

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems_text(problems))

    def show(self, file: object = None) -> None:
        """All problems, as they are."""
        click.echo(self.message, err=True)


@dataclass(frozen=True, slots=True)
class Checked:
    """A plan, what is to be known of it, and what its metrics will tell (None: nobody looks at them)."""

    plan: Plan
    notes: tuple[Note, ...] = ()
    forecast: Forecast | None = None


async def checked_plan(session: Session, target: Target, spec: Spec) -> Checked | NothingToDo:
    """The plan, and what is to be known of it. Raises Refused, KubeError."""
    found = resolve(spec, await survey(target, spec.config), session.dice.token())
    if isinstance(found, NothingToDo):
        return found
    plan = found.plan if isinstance(found, Objections) else found
    problems = found.problems if isinstance(found, Objections) else ()
    if plan is None:
        raise Refused(problems)
    frozen = frozen_at(spec.freeze, session.clock.now())
    report = await preflight(target, plan)
    problems = (*problems, *freeze_problems(frozen, spec), *secret_problems(plan, os.environ), *report.problems)
    measured = await measure(session, target, plan, spec)
    problems = (*problems, *measured.problems)
    if problems:
        raise Refused(problems)
    plan = measured.plan
    if frozen is not None:
        override = f"{spec.during_freeze} (freeze: {frozen.window.reason})"
        plan = msgspec.structs.replace(plan, freeze_override=override)
    plan = within_budgets(plan, report.budgets_want)
    return Checked(plan, (*report.notes, *measured.notes), measured.forecast)


def within_budgets(plan: Plan, budgets_want: int) -> Plan:
    """The plan, whose way back lets no fewer pods serve than every PodDisruptionBudget wants."""
    if plan.stable is None:
        return plan
    spare = max(0, min(plan.stable.max_unavailable, plan.replicas - budgets_want))
    return msgspec.structs.replace(plan, stable=msgspec.structs.replace(plan.stable, max_unavailable=spare))
