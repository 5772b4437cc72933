"""`./run mutants`: each rule of design.md, section 4, broken on purpose, one textual change at a time.

Each mutation of `mutants.json` is applied to a scratch copy; the simulator, and then the tests of core and judge, must
notice. Exit code 1 when one survives, or when a mutation no longer fits the code.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("mutants.json")
SEEDS = 600
SECONDS_MAX = 300.0
PARTS = ("src", "tests", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change, of text that stands exactly once in its file, and the rule that it breaks."""

    rule: int
    file: str
    old: str
    new: str
    what: str


def mutants() -> list[Mutant]:
    """Those of the list."""
    return [Mutant(**entry) for entry in json.loads(LIST.read_text())]


def misfits() -> list[str]:
    """What keeps a mutation from being applied, or a rule from being tried twice."""
    found = []
    for mutant in mutants():
        times = (ROOT / "src/serinus" / mutant.file).read_text().count(mutant.old)
        if times != 1:
            found.append(f"{mutant.file}: {mutant.old!r} stands there {times} times, not once ({mutant.what})")
    tried = [mutant.rule for mutant in mutants()]
    return found + [f"rule {rule} has fewer than two mutations" for rule in range(1, 11) if tried.count(rule) < 2]


def hunt(mutant: Mutant, scratch: Path) -> str:
    """What noticed it; empty: nothing did."""
    target = scratch / "src/serinus" / mutant.file
    whole = target.read_text()
    target.write_text(whole.replace(mutant.old, mutant.new))
    try:
        sim = [sys.executable, "-m", "tests.sim", "--seeds", str(SEEDS), "--jobs", "2", "--stop-early"]
        if _fails(sim, scratch):
            return "the simulator"
        tests = [sys.executable, "-m", "pytest", "-x", "tests/core", "tests/judge"]
        return "the tests of core and judge" if _fails(tests, scratch) else ""
    finally:
        target.write_text(whole)


def _fails(command: list[str], scratch: Path) -> bool:
    environment = os.environ | {"PYTHONPATH": str(scratch / "src")}
    try:
        done = subprocess.run(
            command, cwd=scratch, env=environment, capture_output=True, check=False, timeout=SECONDS_MAX
        )
    except subprocess.TimeoutExpired:
        return True  # what never ends is noticed as well
    return done.returncode != 0


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="./run mutants", description=__doc__)
    parser.add_argument("--only", type=int, help="the mutations of one rule")
    asked = parser.parse_args()
    if problems := misfits():
        print(*problems, sep="\n")
        return 1
    hunted = [mutant for mutant in mutants() if asked.only in (None, mutant.rule)]
    survivors, by, began = 0, {"the simulator": 0, "the tests of core and judge": 0}, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="serinus-mutants-") as name:
        scratch = Path(name)
        for part in PARTS:
            source = ROOT / part
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, scratch / part)
        for mutant in hunted:
            who = hunt(mutant, scratch)
            print(f"rule {mutant.rule:2}: {mutant.what}: {f'noticed by {who}' if who else 'SURVIVED'}", flush=True)
            if who:
                by[who] += 1
            else:
                survivors += 1
    shares = ", ".join(f"{count} by {who}" for who, count in by.items())
    seconds = time.monotonic() - began
    print(
        f"mutants: {len(hunted) - survivors} of {len(hunted)} noticed ({shares}), {survivors} survived; {seconds:.0f} s"
    )
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
