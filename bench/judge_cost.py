"""What one reading costs: CPU of a judged step, size of the state, both at the start and after hours.

    python -m bench.judge_cost [--runs STEPS] [--write FILE]

10 pods (3 + 7), four metrics: errors, latency in eleven buckets, restarts, one gauge. Exit code 1: a step above 1 ms.
"""

import random
import time

import msgspec

from bench.judge_report import FIRST_SEED, arguments, publish, table, told
from bench.traffic_model import Service, World, always, latency_law
from serinus.judge.judge import step
from serinus.judge.policy import Policy
from serinus.judge.readings import Reading
from serinus.judge.state import State

MILLISECONDS_MAX = 1.0
STRETCHES = 3


def four_metrics(reading: Reading, dice: random.Random) -> Reading:
    """The same reading with restarts and a gauge."""
    pods = tuple(
        msgspec.structs.replace(pod, restarts=0, gauges={"cpu": 0.3 * dice.lognormvariate(0, 0.1)})
        for pod in reading.pods
    )
    return msgspec.structs.replace(reading, pods=pods)


def main() -> int:
    """Print the table."""
    given = arguments(720, __doc__)
    dice, law = random.Random(FIRST_SEED), always(latency_law())  # type: ignore[arg-type]
    world = World(weight=always(25.0), canary_pods=3, stable_pods=7, canary_latency=law, stable_latency=law)  # type: ignore[arg-type]
    service = Service(world, dice)
    state = State()
    for reading in service.history(60.0):
        state, _ = step(Policy(), state, four_metrics(reading, dice))
    rows, worst = [], 0.0
    for stretch in range(STRETCHES):
        readings = [four_metrics(service.next(), dice) for _ in range(given.runs)]
        begin = time.process_time()
        for reading in readings:
            state, _ = step(Policy(), state, reading)
        milliseconds = (time.process_time() - begin) / given.runs * 1000
        worst = max(worst, milliseconds)
        size = len(msgspec.json.encode(state))
        steps = f"{stretch * given.runs + 1} to {(stretch + 1) * given.runs}"
        rows.append(told([steps, f"{milliseconds:.3f}", str(size)]))
    publish(
        given, "judge_cost", "Cost of a judged step", table(["steps", "ms of CPU a step", "state, bytes of JSON"], rows)
    )
    return 0 if worst < MILLISECONDS_MAX else 1


if __name__ == "__main__":
    raise SystemExit(main())
