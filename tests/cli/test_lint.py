"""`serinus lint` and `serinus schema`, as a process."""

import json
import os
import subprocess
import sys
from pathlib import Path

GOOD = """apiVersion: serinus.dev/v1alpha1
kind: Canary
metadata: {name: checkout}
spec:
  service: checkout
"""
BAD = """apiVersion: serinus.dev/v1alpha1
kind: Canary
metadata:
  name: checkout
spec:
  servce: checkout
  bake: 120
  steps:
    - weight: 50
    - weight: 20
"""


def serinus(*arguments: str, stdin: str | bytes = "") -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "serinus", *arguments]
    given = stdin.encode() if isinstance(stdin, str) else stdin
    return subprocess.run(command, input=given, capture_output=True, timeout=60, check=False, env=os.environ.copy())


def written(folder: Path, text: str | bytes) -> str:
    path = folder / "serinus.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def test_a_right_file_has_no_problems(tmp_path: Path) -> None:
    done = serinus("lint", written(tmp_path, GOOD))
    assert (done.returncode, done.stdout.decode()) == (0, "1 file, 0 problems\n")


def test_every_problem_is_told_with_line_and_column_in_the_order_of_the_lines(tmp_path: Path) -> None:
    name = written(tmp_path, BAD)
    done = serinus("lint", name)
    lines = [line for line in done.stdout.decode().splitlines() if not line.startswith("  ")]
    assert done.returncode == 2
    assert lines == [
        f"{name}:5:1: spec.service: missing-field",
        f"{name}:6:3: spec.servce: unknown-field",
        f"{name}:7:9: spec.bake: wrong-type",
        f"{name}:10:15: spec.steps[1].weight: not-growing",
        "1 file, 4 problems",
    ]


def test_a_problem_says_what_was_met_what_is_wanted_and_what_to_do(tmp_path: Path) -> None:
    text = serinus("lint", written(tmp_path, GOOD + "  bake: 120\n")).stdout.decode()
    assert (
        "  met:    the number 120\n  wanted: a duration such as 30s, 5m or 1h30m\n  do:     give it a unit: 120s\n"
    ) in text


def test_problems_of_all_files_are_told_as_json(tmp_path: Path) -> None:
    done = serinus("lint", "-o", "json", written(tmp_path, GOOD), "/nowhere.yaml", "-", stdin=BAD)
    answer = json.loads(done.stdout)
    assert done.returncode == 2
    assert answer["files"] == 3
    assert [problem["file"] for problem in answer["problems"]] == ["/nowhere.yaml", *["<stdin>"] * 4]
    assert answer["problems"][-1] == {
        "file": "<stdin>",
        "line": 10,
        "column": 15,
        "field": "spec.steps[1].weight",
        "code": "not-growing",
        "met": "20",
        "wanted": "more than 50, the weight of the step before",
        "hint": "order the steps by weight, the smallest first",
    }


def problem_of(text: str | bytes) -> str:
    done = serinus("lint", "-", stdin=text)
    assert done.returncode == 2
    return done.stdout.decode()


def test_a_second_document_is_told_where_it_begins() -> None:
    assert problem_of(GOOD + "---\n" + GOOD).startswith("<stdin>:6:1: unreadable\n  met:    a second document")


def test_a_key_that_stands_twice_is_told() -> None:
    assert "<stdin>:6:3: unreadable\n  met:    the key 'service' stands here twice" in problem_of(
        GOOD + "  service: other\n"
    )


def test_a_mistake_inside_an_anchor_is_told_where_it_is_written() -> None:
    text = GOOD + "  steps:\n    - &first {weight: 10, bake: 5}\n    - {<<: *first, weight: 20}\n"
    assert problem_of(text).count("<stdin>:7:33: spec.steps[") == 2


def test_an_empty_file_is_told_how_one_begins() -> None:
    assert "begins with `apiVersion: serinus.dev/v1alpha1` and `kind: Canary`" in problem_of("# nothing\n")


def test_text_that_is_no_utf8_is_told() -> None:
    assert "is no UTF-8" in problem_of(b"a: \xff\n")


def test_yaml_that_cannot_be_read_is_told_where() -> None:
    assert problem_of("a: [1\nb: 2\n").startswith("<stdin>:2:")


def test_lint_and_schema_load_no_client() -> None:
    code = (
        "import serinus.cli.lint, serinus.cli.schema, sys; print(sorted({'aiohttp', 'ssl', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    assert done.stdout.decode().strip() == "[]"


def test_schema_prints_json_schema_and_crd() -> None:
    schema, crd = json.loads(serinus("schema").stdout), json.loads(serinus("schema", "--crd").stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (crd["kind"], crd["metadata"]["name"]) == ("CustomResourceDefinition", "canaries.serinus.dev")


def test_a_wrong_spec_is_refused_before_any_cluster_is_asked(tmp_path: Path) -> None:
    name = written(tmp_path, BAD)
    for command in ("deploy", "plan"):
        done = serinus(command, "-f", name, "--kubeconfig", "/nowhere", "--capacity", "keep", "--version", "")
        assert done.returncode == 2
        assert f"{name}:7:9: spec.bake: wrong-type" in done.stderr.decode()
        assert "--version: spec.version: bad-length" in done.stderr.decode()
        assert "kubeconfig" not in done.stderr.decode()
