"""Docs cannot trail: what they list is what the code has, in README.md and docs/reference."""

import re
from itertools import pairwise

import msgspec

from serinus.cli.exits import MEANINGS, Exit
from serinus.core.config import ConfigKind, ConfigPlan
from serinus.core.plan import AutoscalerKind, AutoscalerRef, Plan, Promotion
from serinus.core.reasons import Outcome, Reason
from serinus.core.spec import Smoke
from serinus.kube.rights import rights_needed
from tests.core.samples import plan_of
from tests.meta.source import ROOT


def tables(*header: str) -> list[list[str]]:
    """The rows of every table with this header, in README.md and docs/reference; code marks are taken off."""
    found: list[list[str]] = []
    for path in (ROOT / "README.md", *sorted((ROOT / "docs" / "reference").glob("*.md"))):
        inside = False
        for line, following in pairwise([*path.read_text().splitlines(), ""]):
            cells = [cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")]
            if not line.lstrip().startswith("|"):
                inside = False
            elif [cell.lower() for cell in cells[: len(header)]] == list(header) and re.match(
                r"\s*\|?[\s:-]+\|", following
            ):
                inside = True
            elif inside and not set("".join(cells)) <= set(":- "):
                found.append(cells)
    return found


def test_every_exit_code_is_documented_and_no_other() -> None:
    assert {int(row[0]) for row in tables("code")} == {int(code) for code in Exit}


def test_every_reason_is_documented_with_its_sentence() -> None:
    assert {(row[0], row[1]) for row in tables("reason", "sentence")} == {(one.name, one.value) for one in Reason}


def test_every_outcome_is_documented() -> None:
    assert {row[0] for row in tables("outcome")} == {one.value for one in Outcome}


def test_every_right_that_may_be_needed_is_documented_and_no_other() -> None:
    smoke, kinds = Smoke("/", "true"), [AutoscalerRef("name", kind=kind) for kind in AutoscalerKind]
    plans: list[Plan] = [plan_of(kind, smoke=smoke, autoscaler=one) for kind in Promotion for one in kinds]
    plans = [msgspec.structs.replace(plan, config=ConfigPlan(kinds=tuple(ConfigKind))) for plan in plans]
    rights = {right for plan in plans for right in rights_needed(plan)}
    needed = {(right.verb, right.plural, right.resource.group) for right in rights}
    documented = {
        (verb.strip(), row[1], "" if row[2] == "core" else row[2])
        for row in tables("verb", "resource", "group")
        for verb in row[0].split(",")
    }
    assert documented == needed


def test_every_exit_code_has_a_meaning_that_explain_can_tell() -> None:
    assert set(MEANINGS) == set(Exit)
