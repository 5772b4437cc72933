"""How many requests a rollout of five steps makes to the API: `python -m bench.api_calls`.

Counted at a proxy between the command and the embedded cluster, without watches and the lease, which cost by time and
not by step. Exits with 1 when there are more than the budget allows.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.stories import manifests
from tests.stories.cluster import ADMIN, running_cluster
from tests.stories.counting import Count, counting
from tests.stories.place import Place, open_place, story

BUDGET = 60
PODS = 5
STEPS = "20,40,60,80"
"""And the fifth, with everybody."""
PRODUCTION = {"in-place": manifests.in_place, "versioned": manifests.versioned}


async def count_rollout(place: Place, naming: str) -> Count:
    """Release a good version in five steps; what was asked of the API."""
    await place.in_production(PRODUCTION[naming](PODS))
    async with counting(place.cluster.servers[ADMIN], place.namespace, place.home) as (count, kubeconfig):
        result = await place.deploy("demo/checkout:v2", "--steps", STEPS, "--kubeconfig", str(kubeconfig))
    assert result.code == 0, story(place, result)
    return count


async def _measure() -> bool:
    within = True
    with tempfile.TemporaryDirectory(prefix="serinus-bench-") as folder:
        async with running_cluster(Path(folder)) as cluster:
            for naming in PRODUCTION:
                async with open_place(cluster) as place:
                    count = await count_rollout(place, naming)
                print(f"{naming}: {PODS} pods, steps {STEPS} and everybody (budget {BUDGET})\n{count.table()}\n")
                within = within and count.total <= BUDGET
    return within


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(_measure()) else 1)
