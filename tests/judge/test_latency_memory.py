"""The past from which latency scores are made: renewed between blocks, faded, the same after a restart."""

import msgspec
import pytest

from serinus.judge.latency_memory import (
    CANARY_HALF_LIFE_SECONDS,
    STABLE_HALF_LIFE_SECONDS,
    LatencyMemory,
    open_memory,
    remember,
)

EDGES = (0.1, 0.5)
NONE = (0.0, 0.0, 0.0)


def test_the_basis_is_renewed_when_half_as_much_is_new_and_stays_until_then() -> None:
    memory = open_memory(EDGES)
    remember(memory, NONE, (90, 8, 2), 0)
    assert memory.basis.stable == (90, 8, 2)
    remember(memory, NONE, (40, 9, 0), 0)
    assert memory.basis.stable == (90, 8, 2)
    remember(memory, NONE, (1, 0, 0), 0)
    assert memory.basis.stable == (131, 17, 2)


def test_a_few_requests_of_the_canary_are_enough_for_new_scores() -> None:
    memory = open_memory(EDGES)
    remember(memory, (0, 0, 4), NONE, 0)
    assert memory.basis.canary == NONE
    remember(memory, (0, 0, 1), NONE, 0)
    assert memory.basis.canary == (0, 0, 5)


def test_the_past_fades_by_halves() -> None:
    memory = open_memory(EDGES)
    remember(memory, (8, 0, 0), (8, 0, 0), 0)
    remember(memory, NONE, NONE, STABLE_HALF_LIFE_SECONDS)
    assert memory.stable == pytest.approx([4, 0, 0])
    assert memory.canary == pytest.approx([8 * 0.5 ** (STABLE_HALF_LIFE_SECONDS / CANARY_HALF_LIFE_SECONDS), 0, 0])


def test_memory_survives_json_bit_for_bit() -> None:
    memory = open_memory(EDGES)
    remember(memory, (1, 2, 5), (70.0, 20.1, 1.0 / 3), 7)
    remember(memory, (0, 2, 0), (7.0, 1.0, 0.0), 5)
    assert msgspec.json.decode(msgspec.json.encode(memory), type=LatencyMemory) == memory
