"""YAML as kubectl 1.37.1 reads it. The table of scalars was taken down from `kubectl config view -o json`."""

import json
import subprocess
from pathlib import Path

import pytest

from serinus.kube.yamldoc import YamlError, read_yaml
from tests.kube.test_config_oracle import KUBECTL

SCALARS = """a: no
b: on
c: y
d: 012
e: 0o14
f: 1:30
g: 2026-01-01
h: '12'
i: !!str 12
k: 1e3
o: 08
p: -0x10
r: 1_000
t: +12e03
u: 0b11
v: +12
w: Y
x: 1.
z: 1.5
yes: key
12: key
m: &anchor {q: 1}
merged: {<<: *anchor, r: 2}
text: |
  two
  lines
list: [~, null, "", off]
"""


def test_scalars_are_resolved_as_kubectl_does(tmp_path: Path) -> None:
    indented = "".join(f"    {line}\n" for line in SCALARS.splitlines())
    (tmp_path / "config").write_text(f"apiVersion: v1\nkind: Config\nextensions:\n- name: x\n  extension:\n{indented}")
    command = [str(KUBECTL), f"--kubeconfig={tmp_path}/config", "config", "view", "--raw", "-o", "json"]
    view = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert read_yaml(SCALARS).value == view["extensions"][0]["extension"]


def test_every_value_has_its_place() -> None:
    document = read_yaml("a:\n  - b: 1\n    c: [x, y]\n")
    assert document.position(("a", 0, "c", 1)) == (3, 12)
    assert document.position(("a", 0, "missing")) == (2, 5)
    assert document.position(("nowhere",)) == (1, 1)


def test_every_key_has_its_place() -> None:
    document = read_yaml("a:\n  - b:\n      c\n")
    assert document.position(("a", 0, "b")) == (3, 7)
    assert document.key_position(("a", 0, "b")) == (2, 5)
    assert document.key_position(("a", 0)) == (2, 5)
    assert document.key_position(("a", 0, "missing")) == (2, 5)


def test_a_key_beside_a_merge_stands_where_it_is_written() -> None:
    document = read_yaml("p: &p {b: 1, c: 2}\nq:\n  b: 3\n  <<: *p\n")
    assert document.value["q"] == {"b": 3, "c": 2}
    assert document.position(("q",)) == (3, 3)
    assert document.position(("q", "b")) == (3, 6)
    assert document.position(("q", "c")) == (1, 17)


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "stands here twice"),
        ("a: {b: 1, b: 2}", 1, 11, "stands here twice"),
        ("a: [1, 2\n", 2, 1, ""),
        ("? [a]\n: 1", 1, 3, "not a scalar"),
        ("a: &a [*a]", 1, 4, "contains itself"),
        ("a: 1\n---\nb: 2", 2, 1, "a second document"),
        ("a: \x01", 1, 1, ""),
        ("a: {<<: 1}", 1, 9, "only mappings"),
    ],
)
def test_what_cannot_be_read_is_shown_where_it_stands(text: str, line: int, column: int, problem: str) -> None:
    with pytest.raises(YamlError) as caught:
        read_yaml(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert problem in caught.value.problem


def test_aliases_that_multiply_are_stopped() -> None:
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(YamlError, match="more than 100000"):
        read_yaml(bomb)


def test_an_empty_text_is_nothing() -> None:
    assert read_yaml("# only a comment\n").value is None
