"""What a rollout costs the API server. `python -m bench.api_calls` prints it by verb and kind."""

import pytest

from bench.api_calls import BUDGET, PRODUCTION, count_rollout
from tests.stories.place import Place


@pytest.mark.parametrize("naming", PRODUCTION)
async def test_a_rollout_of_five_steps_stays_within_its_budget_of_requests(place: Place, naming: str) -> None:
    count = await count_rollout(place, naming)
    assert count.total <= BUDGET, count.table()
