"""Files of gates' Jobs: read beside the spec file, and every mistake in them told with its place."""

from pathlib import Path

import pytest

from serinus.cli.specfile import lint_file, read_canary, read_source
from serinus.core.canary import Canary
from serinus.core.gates import Gate, Job

SPEC = """apiVersion: serinus.dev/v1alpha1
kind: Canary
metadata: {name: checkout}
spec:
  service: checkout
  steps:
    - weight: 50
      gates:
        - name: deep
          job:
            file: job.yaml
"""
JOB = "{kind: Job, spec: {template: {spec: {containers: [{name: deep, image: 'deep:1'}]}}}}"


@pytest.fixture
def spec_file(tmp_path: Path) -> str:
    path = tmp_path / "serinus.yaml"
    path.write_text(SPEC)
    return str(path)


def test_the_pod_of_the_file_stands_in_the_gate(spec_file: str) -> None:
    Path(spec_file).with_name("job.yaml").write_text(JOB)
    source = read_source(spec_file)
    canary = read_canary(source)  # type: ignore[arg-type]
    assert isinstance(canary, Canary)
    (gate,) = canary.spec("shop").steps[0].gates  # type: ignore[index]
    pod = {"containers": [{"name": "deep", "image": "deep:1"}]}
    assert gate == Gate("deep", Job(file="job.yaml", pod=pod))


@pytest.mark.parametrize(
    ("text", "met"),
    [
        (None, "No such file"),
        ("kind: Pod", "no Job"),
        ("{kind: Job, spec: {}}", "no containers"),
        ("{kind: Job", "job.yaml:2:1: "),
        (f"{JOB} # {'x' * 17000}", "at most 16384"),
    ],
)
def test_a_file_that_is_no_job_is_told_where_it_is_named(spec_file: str, text: str | None, met: str) -> None:
    if text is not None:
        Path(spec_file).with_name("job.yaml").write_text(text)
    (problem,) = lint_file(spec_file)
    assert (problem.line, problem.mistake.field) == (11, "spec.steps[0].gates[0].job.file")
    assert met in problem.mistake.met
