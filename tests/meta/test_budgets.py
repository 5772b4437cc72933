"""Small, and kept small: what is above a budget today stands in budgets.json, and may only shrink.

A file has 400 lines, a function 40 in the pure folders and 60 elsewhere, and three levels of nesting. What has shrunk
is written down at once: `python -m tests.meta.test_budgets` writes budgets.json anew, and refuses to let it grow.
"""

import ast
import json
import sys
from pathlib import Path

import pytest

from tests.meta.source import functions, python_files, relative

BUDGETS = Path(__file__).parent / "budgets.json"
FILE_LINES_MAX = 400
PURE = ("src/serinus/core/", "src/serinus/judge/", "src/serinus/report/", "src/serinus/routers/")
PURE_FUNCTION_LINES_MAX = 40
FUNCTION_LINES_MAX = 60
NESTING_MAX = 3
NESTS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)

Excess = dict[str, int]


def long_files() -> Excess:
    counts = {relative(path): len(path.read_text().splitlines()) for path in python_files("src/", "tests/", "bench/")}
    return {name: lines for name, lines in counts.items() if lines > FILE_LINES_MAX}


def long_functions() -> Excess:
    found = {}
    for path in python_files("src/"):
        limit = PURE_FUNCTION_LINES_MAX if relative(path).startswith(PURE) else FUNCTION_LINES_MAX
        for name, function in functions(path):
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            if lines > limit:
                found[f"{relative(path)}::{name}"] = lines
    return found


def deep_functions() -> Excess:
    found = {}
    for path in python_files("src/"):
        for name, function in functions(path):
            depth = max((_depth(statement) for statement in function.body), default=0)
            if depth > NESTING_MAX:
                found[f"{relative(path)}::{name}"] = depth
    return found


def _depth(node: ast.AST) -> int:
    """How many compound statements stand inside one another here; a function of its own begins anew."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return 0
    here = 1 if isinstance(node, NESTS) else 0
    below = 0
    for child in ast.iter_child_nodes(node):
        is_elif = isinstance(node, ast.If) and node.orelse == [child] and isinstance(child, ast.If)
        below = max(below, _depth(child) - (1 if is_elif else 0))
    return here + below


MEASURES = {"files": long_files, "functions": long_functions, "nesting": deep_functions}


@pytest.mark.parametrize("measure", MEASURES)
def test_nothing_is_above_its_budget_but_what_was_and_that_only_shrinks(measure: str) -> None:
    allowed: Excess = json.loads(BUDGETS.read_text())[measure]
    found = MEASURES[measure]()
    grown = {name: size for name, size in found.items() if size > allowed.get(name, 0)}
    assert not grown, f"{measure} above their budget: split them by concept"
    assert found == allowed, "something shrank: python -m tests.meta.test_budgets writes it down"


def write() -> int:
    """Write down what has shrunk. Returns the exit code: 1 when something grew."""
    before = json.loads(BUDGETS.read_text())
    after = {measure: count() for measure, count in MEASURES.items()}
    for measure, found in after.items():
        if grown := [name for name, size in found.items() if size > before[measure].get(name, 0)]:
            print(f"{measure} that grew: {', '.join(grown)}", file=sys.stderr)
            return 1
    BUDGETS.write_text(json.dumps(before | after, indent=2, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(write())
