"""Rules that no linter of ours can see: read off the syntax tree."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from serinus.core.state import State
from serinus.core.turn import Action
from tests.meta.source import SRC, functions, python_files, relative, tracked, tree

PURE = ("src/serinus/core/", "src/serinus/judge/", "src/serinus/report/", "src/serinus/routers/")
RAW_OBJECTS = ("src/serinus/kube/", "src/serinus/sandbox/")
LISTED = json.loads((Path(__file__).parent / "exceptions.json").read_text())
OURS = {kind.__name__ for kind in (*get_args(State), *get_args(Action))}
ENUMS = {"Outcome", "Promotion", "Reason", "Track", "Verdict"}


def ids(path: Path) -> str:
    return relative(path)


@pytest.mark.parametrize("path", python_files(*PURE), ids=ids)
def test_nothing_waits_in_the_pure_folders(path: Path) -> None:
    waits = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    assert not [node.lineno for node in ast.walk(tree(path)) if isinstance(node, waits)]


def test_any_stands_only_where_raw_objects_are() -> None:
    users = {
        relative(path)
        for path in python_files("src/")
        if not relative(path).startswith(RAW_OBJECTS) and _uses_any(tree(path))
    }
    assert users == set(LISTED["any"])


def _uses_any(module: ast.Module) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id == "Any")
        or (isinstance(node, ast.Attribute) and node.attr == "Any")
        or (isinstance(node, ast.alias) and node.name == "Any")
        for node in ast.walk(module)
    )


def test_every_match_over_types_of_ours_forgets_no_case() -> None:
    """By `assert_never` at its end; or without `case _`, as mypy sees a missing return then; or it is listed."""
    open_ended = set()
    for path in python_files("src/"):
        if relative(path).startswith("src/serinus/sandbox/"):
            continue
        for name, function in functions(path):
            for match in _matches(function):
                if _is_of_ours(match) and _ends_otherwise(match.cases[-1]):
                    open_ended.add(f"{relative(path)}::{name}")
    assert open_ended == set(LISTED["open_matches"])


def _matches(function: ast.AST) -> Iterator[ast.Match]:
    yield from (node for node in ast.walk(function) if isinstance(node, ast.Match))


def _is_of_ours(match: ast.Match) -> bool:
    for node in (node for case in match.cases for node in ast.walk(case.pattern)):
        if isinstance(node, ast.MatchClass) and isinstance(node.cls, ast.Name) and node.cls.id in OURS:
            return True
        if isinstance(node, ast.MatchValue) and isinstance(node.value, ast.Attribute):
            owner = node.value.value
            if isinstance(owner, ast.Name) and owner.id in ENUMS:
                return True
    return False


def _ends_otherwise(case: ast.match_case) -> bool:
    is_open = isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None
    return is_open and "assert_never" not in ast.unparse(case.body[-1])


def test_what_the_linter_bans_is_allowed_to_the_systems_adapter_alone() -> None:
    allowed = [path for path in python_files("src/") if "TID251" in path.read_text()]
    assert [relative(path) for path in allowed] == ["src/serinus/system.py"]


def test_a_broad_except_stands_only_where_that_is_said() -> None:
    silenced = [relative(path) for path in python_files("src/") if re.search(r"noqa:[^\n]*BLE001", path.read_text())]
    assert silenced == LISTED["broad_excepts"]


@pytest.mark.parametrize("path", python_files("src/"), ids=ids)
def test_every_module_says_its_job(path: Path) -> None:
    module = tree(path)
    assert not module.body or ast.get_docstring(module), "a module opens with its job"


# Text


ADDRESSES = re.compile(
    r"(?i)pypi\.org|pythonhosted\.org|proxy\.golang|goproxy\.|artifactory|nexus|--?(extra-)?index-url|https?_proxy\s*="
)
MACHINE_PATHS = re.compile(r"(?<![\w.$}/-])/(work|root|home|Users)/\w")
THIS = "tests/meta/test_code.py"


@pytest.mark.parametrize(
    ("what", "pattern"), [("an address of a package index or proxy", ADDRESSES), ("a path of a machine", MACHINE_PATHS)]
)
def test_no_tracked_file_holds_what_is_true_of_one_machine_only(what: str, pattern: re.Pattern[str]) -> None:
    found = []
    for path in tracked():
        if relative(path) == THIS:
            continue
        text = path.read_bytes().decode(errors="replace")
        found += [f"{relative(path)}: {hit.group()}" for hit in pattern.finditer(text)]
    assert not found, what


def test_the_source_folder_is_where_this_looks() -> None:
    assert (SRC / "core" / "transition.py").exists()
