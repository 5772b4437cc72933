"""The exam of the Clock and Dice ports, taken by the fakes and by the real adapters."""

import asyncio
import re
from datetime import timedelta

import pytest

from serinus.ports import Clock, Dice
from serinus.system import SystemClock, SystemDice
from tests.fakes.clock import FakeClock, FakeDice


@pytest.fixture(params=[FakeClock, SystemClock])
def clock(request: pytest.FixtureRequest) -> Clock:
    made: Clock = request.param()
    return made


@pytest.fixture(params=[FakeDice, SystemDice])
def dice(request: pytest.FixtureRequest) -> Dice:
    made: Dice = request.param()
    return made


async def test_the_wall_clock_is_aware_and_in_utc(clock: Clock) -> None:
    assert clock.now().utcoffset() == timedelta(0)


async def test_sleep_lets_others_run_and_lasts_as_long_as_asked(clock: Clock) -> None:
    began = clock.monotonic()
    sleeping = asyncio.create_task(clock.sleep(0.01))
    if isinstance(clock, FakeClock):
        await clock.jump()
    await sleeping
    assert clock.monotonic() - began >= 0.01 - 1e-3
    ran = []
    asyncio.get_running_loop().call_soon(ran.append, True)
    await clock.sleep(0)
    assert ran


async def test_a_sleep_can_be_cancelled(clock: Clock) -> None:
    sleeping = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping


def test_fractions_and_tokens_have_their_form(dice: Dice) -> None:
    assert all(0 <= dice.fraction() < 1 for _ in range(100))
    assert re.fullmatch(r"[0-9a-f]{8}", dice.token())
