"""The files that gates' Jobs are described in, read beside the spec file: into the plan goes what stands in them.

So another runner needs no file: it finds the Job in what is saved.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from serinus.core.canary import Canary
from serinus.core.description import Code, Mistake
from serinus.core.description import Path as FieldPath
from serinus.core.gates import Gate, Job
from serinus.kube.yamldoc import YamlError, read_yaml

BYTES_MAX = 16 * 1024
"""What is saved in the cluster must stay small."""


@dataclass(slots=True)
class _Reading:
    folder: Path
    mistakes: list[Mistake] = field(default_factory=list)

    def gate(self, gate: Gate, path: FieldPath) -> Gate:
        if not isinstance(gate.kind, Job) or gate.kind.file is None:
            return gate
        found = _pod_of(self.folder / gate.kind.file)
        if isinstance(found, str):
            wanted, hint = "a Job in one YAML document, with its pod template", "correct the path, or the file"
            self.mistakes.append(Mistake((*path, "job", "file"), Code.UNREADABLE, found, wanted, hint))
            return gate
        return msgspec.structs.replace(gate, kind=msgspec.structs.replace(gate.kind, pod=found))

    def gates(self, gates: tuple[Gate, ...], path: FieldPath) -> tuple[Gate, ...]:
        return tuple(self.gate(gate, (*path, index)) for index, gate in enumerate(gates))


def with_job_files(canary: Canary, folder: Path) -> Canary | tuple[Mistake, ...]:
    """The same with what the files say; paths are from `folder`."""
    reading, wish = _Reading(folder), dict(canary.wish)
    if "gates" in wish:
        wish["gates"] = reading.gates(wish["gates"], ("spec", "gates"))
    if "steps" in wish:
        wish["steps"] = tuple(
            msgspec.structs.replace(step, gates=reading.gates(step.gates, ("spec", "steps", index, "gates")))
            for index, step in enumerate(wish["steps"])
        )
    return tuple(reading.mistakes) or replace(canary, wish=wish)


def _pod_of(file: Path) -> dict[str, object] | str:
    """The pod spec of a Job's template; or what is wrong with the file."""
    try:
        text = file.read_text()
        raw = read_yaml(text).value
    except OSError as error:
        return f"{file}: {error.strerror}"
    except UnicodeDecodeError:
        return f"{file}: no UTF-8"
    except YamlError as error:
        return f"{file}:{error.line}:{error.column}: {error.problem}"
    if len(text) > BYTES_MAX:
        return f"{file}: {len(text)} characters, and at most {BYTES_MAX} are kept"
    if not isinstance(raw, dict) or raw.get("kind") != "Job":
        return f"{file}: no Job"
    spec: dict[str, object] | None = _inner(raw, "spec", "template", "spec")
    containers = spec.get("containers") if spec is not None else None
    if spec is None or not isinstance(containers, list) or not all(isinstance(one, dict) for one in containers):
        return f"{file}: no containers in spec.template.spec"
    return spec


def _inner(raw: Any, *names: str) -> Any:
    for name in names:
        raw = raw.get(name) if isinstance(raw, dict) else None
    return raw if isinstance(raw, dict) else None
