"""What was reached of (state x kind of fault x last word of a person), and by name what was not."""

from collections import Counter
from collections.abc import Iterator

from tests.sim.faults import Fault
from tests.sim.observer import UNTOLD
from tests.sim.scenario import VERBS

STATES = ("Preparing", "Shifting", "Baking", "Paused", "Promoting", "Leaving")
WORDS = (UNTOLD, *VERBS)
NAMED_MAX = 40
ENOUGH_SEEDS = 20_000
"""From so many worlds on, a pair that was never reached is a finding."""
_ASKED = ("Preparing", "Baking")
IMPOSSIBLE: dict[tuple[str, Fault], str] = {
    **{
        (state, fault): "a smoke test is put to the probe in Preparing, and to the canary in Baking"
        for fault in (Fault.SMOKE_LATE, Fault.SMOKE_NEVER)
        for state in STATES
        if state not in _ASKED
    },
    ("Preparing", Fault.REMOVED): "the canary is made in Shifting, and nothing leads back from there to Preparing",
    **{(state, Fault.NO_ROOM): "the quota is full on the way back only" for state in STATES if state != "Leaving"},
}
"""Pairs that no world can have, each with the reason; one that is met all the same is a finding."""

Coverage = Counter[tuple[str, str, str]]


def table(reached: Coverage, in_full: bool) -> Iterator[str]:
    """One line per fault, one column per state: how often, and by how many of the words before it."""
    width = max(len(fault.value) for fault in Fault)
    yield " " * width + "".join(f"{state:>13}" for state in STATES)
    for name in (*(fault.value for fault in Fault), *VERBS):
        row = [_cell(reached, name, state) for state in STATES]
        yield f"{name:{width}}" + "".join(f"{cell:>13}" for cell in row)
    yield f"(how often; after how many of the {len(WORDS)} last words of a person, silence being one)"
    yield f"pairs of state and fault, or state and word, never reached: {_names(never_reached(reached), True)}"
    yield f"of the {len(IMPOSSIBLE)} pairs that no world can have, met all the same: {_names(met(reached), True)}"
    possible = [(s, f.value, w) for s in STATES for f in Fault for w in WORDS if (s, f) not in IMPOSSIBLE]
    triples = [triple for triple in possible if not reached[triple]]
    total = len(possible)
    yield f"triples of state, fault and last word reached: {total - len(triples)} of {total}"
    yield f"not reached: {_names(triples, in_full)}"


def never_reached(reached: Coverage) -> list[tuple[str, ...]]:
    """Pairs that a world can have, and none had."""
    return [pair for pair in _pairs() if not _count(reached, *pair)]


def met(reached: Coverage) -> list[tuple[str, ...]]:
    """Pairs that no world should have, and one had."""
    return [(state, fault.value) for state, fault in IMPOSSIBLE if _count(reached, state, fault.value)]


def _cell(reached: Coverage, name: str, state: str) -> str:
    count = _count(reached, state, name)
    if name in VERBS:
        return str(count)
    return f"{count};{sum(reached[state, name, word] > 0 for word in WORDS)}"


def _count(reached: Coverage, state: str, name: str) -> int:
    if name in VERBS:
        return reached[state, "-", name]
    return sum(reached[state, name, word] for word in WORDS)


def _pairs() -> Iterator[tuple[str, str]]:
    for state in STATES:
        yield from ((state, fault.value) for fault in Fault if (state, fault) not in IMPOSSIBLE)
        yield from ((state, verb) for verb in VERBS)


def _names(missing: list[tuple[str, ...]], in_full: bool) -> str:
    shown = missing if in_full else missing[:NAMED_MAX]
    text = "; ".join(" / ".join(each) for each in shown) or "none"
    return text if len(shown) == len(missing) else f"{text}; and {len(missing) - len(shown)} more (--coverage)"
