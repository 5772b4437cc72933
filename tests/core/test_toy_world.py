"""The machine against a toy cluster that is late, loses requests and repeats them: it always comes to a good end."""

import contextlib
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.core.plan import AutoscalerRef, Promotion
from serinus.core.reasons import Outcome, Reason
from serinus.core.spec import Smoke
from serinus.core.state import Finished, Promoting, State
from serinus.core.transition import begin, take_turn
from serinus.core.turn import Action, Judgement, RunSmoke
from serinus.ports import Trouble
from tests.core.samples import ABORT, PASS, plan_of
from tests.core.toy import OLD, Health, ToyWorld

TURNS_MAX = 3000
SMOKE = Smoke(http_path="/healthz", timeout_seconds=20.0)
HPA = AutoscalerRef("checkout", 2, None)


@dataclass
class Play:
    """One rollout in one toy world, every turn of it; chance falls as `dice` says."""

    world: ToyWorld
    dice: random.Random
    loss: float = 0.3
    abort_at: float | None = None
    asked: dict[str, float] = field(default_factory=dict)  # by smoke test's stage, when it was put
    states: list[State] = field(default_factory=list)

    def to_the_end(self) -> Finished:
        plan = self.world.plan
        state = begin(plan, self.world.now)
        for _ in range(TURNS_MAX):
            self.states.append(state)
            aborted = self.abort_at is not None and self.world.seconds >= self.abort_at
            state, actions = take_turn(plan, state, self.world.facts(self._answer(state), ABORT if aborted else None))
            if isinstance(state, Finished):
                self.world.tick(60)  # whatever the cluster still does by itself
                return state
            self._act(actions)
            self.world.tick(1 + self.dice.randrange(4))
        raise AssertionError(f"no end after {TURNS_MAX} turns: {state}, {self.world}")

    def _answer(self, state: State) -> Judgement | None:
        step = getattr(state, "step", None)
        stage = "before users" if step is None else f"step {step + 1}"
        put = self.asked.get(stage)
        return PASS if put is not None and self.world.seconds >= put + 5 else None

    def _act(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            if isinstance(action, RunSmoke):
                self.asked.setdefault(action.stage, self.world.seconds)
                continue
            if self.dice.random() < self.loss:
                if self.dice.random() < 0.5:
                    return  # and the runner knows: the rest of the turn is not asked for
                continue
            self.world.tick(self.dice.randrange(3))
            for _ in range(1 + (self.dice.random() < self.loss)):
                with contextlib.suppress(Trouble):
                    self.world.apply(action)


def assert_promoted(world: ToyWorld) -> None:
    """Production is the new version, whole, and nothing else is left."""
    plan = world.plan
    assert {pod.release for pod in world.pods} == {"v2"}
    assert world.serving() == len(world.pods) == plan.replicas
    assert len(world.sets) == 1 or plan.promotion is Promotion.ADOPT
    if plan.promotion is Promotion.ADOPT:
        assert world.canary is None
        assert world.stable is not None
        before = plan.stable.max_surge if plan.stable is not None else None
        assert (world.stable.wanted, world.stable.paused, world.stable.max_surge) == (plan.replicas, False, before)
    else:
        assert world.stable is None
        assert world.canary is not None
    if plan.autoscaler is not None and plan.stable is not None and world.autoscaler is not None:
        name = plan.stable.name if plan.promotion is Promotion.ADOPT else plan.canary_name
        assert (world.autoscaler.as_before, world.autoscaler.target) == (True, name)
    if plan.mark_version:
        assert world.service_version == "v2"


def assert_back(world: ToyWorld) -> None:
    """Production is the old version as it was, and nothing of the canary is left."""
    plan = world.plan
    assert world.canary is None
    assert {pod.release for pod in world.pods} <= {OLD}
    assert world.serving() == len(world.pods) == (plan.replicas if plan.stable is not None else 0)
    if plan.stable is not None:
        assert world.stable is not None
        was = (plan.replicas, False, plan.stable.max_surge, OLD)
        assert (world.stable.wanted, world.stable.paused, world.stable.max_surge, world.stable.release) == was
        assert world.autoscaler is None or (world.autoscaler.as_before and world.autoscaler.target == plan.stable.name)
        assert world.service_version == ("v1" if plan.mark_version else None)


SIZES = st.integers(1, 12)
PROMOTIONS = st.sampled_from(Promotion)
SEEDS = st.integers(0, 2**32)


@settings(deadline=None, max_examples=150)
@given(PROMOTIONS, SIZES, st.booleans(), st.booleans(), SEEDS)
def test_a_good_version_is_promoted_and_users_never_lose_capacity(
    promotion: Promotion, replicas: int, smoke: bool, hpa: bool, seed: int
) -> None:
    plan = plan_of(promotion, replicas, smoke=SMOKE if smoke else None, autoscaler=HPA if hpa else None)
    world = ToyWorld(plan)
    finished = Play(world, random.Random(seed)).to_the_end()
    assert finished.outcome is Outcome.PROMOTED, finished
    assert_promoted(world)
    assert world.least_serving >= (replicas if plan.stable is not None else 0)


@settings(deadline=None, max_examples=150)
@given(PROMOTIONS, SIZES, st.sampled_from((Health.NEVER_READY, Health.CRASHES)), st.booleans(), SEEDS)
def test_a_bad_version_is_taken_back_to_the_last_pod(
    promotion: Promotion, replicas: int, health: Health, hpa: bool, seed: int
) -> None:
    plan = plan_of(promotion, replicas, autoscaler=HPA if hpa else None)
    world = ToyWorld(plan, health)
    finished = Play(world, random.Random(seed)).to_the_end()
    assert finished.outcome is Outcome.ROLLED_BACK, finished
    assert finished.reason in {Reason.NEVER_READY, Reason.CRASHED}
    assert_back(world)
    if health is Health.NEVER_READY and plan.stable is not None:
        assert world.least_serving >= replicas


@settings(deadline=None, max_examples=200)
@given(PROMOTIONS, SIZES, st.booleans(), st.floats(10, 150), SEEDS)
def test_an_abort_at_any_moment_ends_in_one_whole_version(
    promotion: Promotion, replicas: int, hpa: bool, abort_at: float, seed: int
) -> None:
    plan = plan_of(promotion, replicas, autoscaler=HPA if hpa else None)
    world = ToyWorld(plan)
    play = Play(world, random.Random(seed), abort_at=abort_at)
    finished = play.to_the_end()
    if finished.outcome is Outcome.PROMOTED:
        assert finished.at.timestamp() < world.now.timestamp()
        assert_promoted(world)
    else:
        assert finished.outcome is Outcome.ABORTED
        assert_back(world)
    assert world.least_serving >= (replicas if plan.stable is not None else 0)


@pytest.mark.parametrize("promotion", Promotion)
def test_a_cluster_that_does_nothing_at_all_is_given_up_by_the_deadlines(promotion: Promotion) -> None:
    world = ToyWorld(plan_of(promotion))
    finished = Play(world, random.Random(1), loss=1.0).to_the_end()
    assert finished.outcome is Outcome.ROLLED_BACK
    assert_back(world)


def test_adoption_restarts_no_proven_pod() -> None:
    world = ToyWorld(plan_of(Promotion.ADOPT, 6))
    play = Play(world, random.Random(3), loss=0.2)
    play.to_the_end()
    assert any(isinstance(state, Promoting) for state in play.states)
    assert world.pods_made == 6 + 6
