"""One turn: save first, then act; blind or beaten, do nothing; say a trouble once and ask again."""

import asyncio

import pytest

from serinus.core.reasons import Reason
from serinus.core.record import FORMAT
from serinus.core.spec import Smoke
from serinus.core.state import Baking, Leaving, Shifting
from serinus.core.turn import Action, CreateCanary, ScaleStable
from serinus.engine.cycle import RETRY_SECONDS, STALE_SECONDS_MAX, Memory, take_one_turn
from serinus.ports import Trouble
from tests.core.samples import plan_of
from tests.core.test_toy_world import SMOKE
from tests.core.toy import Health
from tests.engine.support import Bench, bench
from tests.fakes.store import FakeStore


async def begun(health: Health = Health.GOOD, smoke: Smoke | None = None) -> Bench:
    made = bench(plan_of(smoke=smoke), health)
    await made.begin()
    return made


async def test_nothing_saved_is_nothing_to_do() -> None:
    made = bench(plan_of())
    assert await made.turns(1) == [None]


async def test_a_turn_saves_before_it_acts() -> None:
    made = await begun()
    saved_at_act: list[tuple[Action, int]] = []
    made.cluster.before_act = lambda action: saved_at_act.append((action, made.store.saves))
    await made.finish()
    states = made.store.saves
    first_of_step_two = next(saves for action, saves in saved_at_act if isinstance(action, ScaleStable) and saves > 1)
    assert saved_at_act[0] == (CreateCanary(1), 1)  # the start's own save
    assert first_of_step_two >= 3  # Shifting, Baking, and the step that asks for it
    assert all(saves <= states for _, saves in saved_at_act)


async def test_a_turn_whose_save_was_beaten_acts_nothing() -> None:
    made = await begun()
    await made.turns(6)
    made.ask("abort")
    made.store.before_save = lambda: made.ask("abort")
    before = list(made.cluster.done)
    assert await made.turns(1) == [None]
    assert made.cluster.done == before
    made.store.before_save = None
    await made.turns(1)
    assert len(made.cluster.done) > len(before)


async def test_a_save_that_cannot_be_known_acts_nothing_and_is_said_once() -> None:
    made = await begun()
    await made.turns(6)
    made.ask("abort")

    def fail() -> None:
        raise Trouble("the cluster does not answer")

    made.store.before_save = fail
    before = list(made.cluster.done)
    assert await made.turns(3) == [None, None, None]
    assert made.cluster.done == before
    assert made.reporter.sentences("trouble") == ["the cluster does not answer"]


async def test_a_turn_with_stale_news_holds_still() -> None:
    made = await begun()
    made.cluster.stale_seconds = STALE_SECONDS_MAX + 1
    assert await made.turns(3) == [None, None, None]
    assert made.cluster.done == []
    assert made.reporter.sentences("trouble") == ["no news from the cluster; holding still until there is"]
    made.cluster.stale_seconds = STALE_SECONDS_MAX
    assert (await made.turns(1))[0] is not None
    assert made.cluster.done == [CreateCanary(1)]


async def test_a_trouble_is_said_once_and_the_wish_asked_for_again() -> None:
    made = await begun()
    refused: list[Action] = []

    def refuse(action: Action) -> None:
        refused.append(action)
        raise Trouble("quota exceeded")

    made.cluster.before_act = refuse
    turned = await made.turns(4)
    assert refused == [CreateCanary(1)] * 4
    assert made.reporter.sentences("trouble") == ["quota exceeded"]
    assert [turn.again_seconds for turn in turned if turn is not None] == [RETRY_SECONDS] * 4


async def test_the_first_trouble_ends_the_turn() -> None:
    made = await begun()
    memory = Memory()
    await made.turns(12, memory)
    made.ask("abort")
    asked: list[Action] = []

    def refuse(action: Action) -> None:
        asked.append(action)
        raise Trouble("not now")

    made.cluster.before_act = refuse
    await made.turns(1, memory)
    assert len(asked) == 1


async def test_what_was_done_is_reported_after_it_was_done() -> None:
    made = await begun()
    await made.turns(1)
    assert made.reporter.codes == ["create_canary"]


async def test_a_smoke_test_is_put_once_however_often_it_is_wished_for() -> None:
    made = await begun(smoke=SMOKE)
    made.answers["before users"] = None
    memory = Memory()
    await made.turns(8, memory)
    (question,) = made.gates[-1].questions
    assert (question.stage, question.share_percent, question.smoke) == ("before users", 0.0, SMOKE)
    assert [pod.name for pod in question.pods] == ["pod-5"]
    assert made.reporter.codes.count("run_smoke") == 1
    await memory.asked.close()


async def test_a_smoke_tests_answer_wakes_whoever_waits() -> None:
    made = await begun(smoke=SMOKE)
    memory = Memory()
    await made.turns(5, memory)
    assert memory.asked.any_put
    made.cluster.clock.advance(5)
    async with asyncio.timeout(5):
        await memory.answered.wait()
    await memory.asked.close()


@pytest.mark.parametrize(("verb", "reason"), [("abort", Reason.ABORT_ASKED), ("interrupt", Reason.INTERRUPTED)])
async def test_a_persons_word_takes_the_rollout_back(verb: str, reason: Reason) -> None:
    made = await begun()
    await made.turns(1)
    made.ask(verb)
    await made.turns(1)
    state = record_state(made.store)
    assert isinstance(state, Leaving)
    assert state.reason is reason
    assert state.evidence.sentence.endswith("(anna, 12:00:11 UTC)")


@pytest.mark.parametrize(("verb", "rollout"), [("abort", "another"), ("dance", "0000aaaa")])
async def test_a_word_for_another_rollout_or_an_unknown_one_is_no_word(verb: str, rollout: str) -> None:
    made = await begun()
    made.ask(verb, rollout)
    await made.turns(2)
    assert isinstance(record_state(made.store), Shifting)


async def test_a_log_is_read_for_a_verdict_and_only_then() -> None:
    made = await begun(Health.CRASHES)
    await made.turns(8)
    assert isinstance(record_state(made.store), Baking)
    assert made.cluster.logs_read == 0
    await made.turns(8)
    state = record_state(made.store)
    assert isinstance(state, Leaving)
    assert state.evidence.lines == ("log: listening", "log: boom")
    assert made.cluster.logs_read == 1


async def test_a_record_of_a_newer_serinus_is_not_touched() -> None:
    made = await begun()
    made.store.put(f'{{"format": {FORMAT + 1}}}')
    with pytest.raises(Trouble, match="format 2"):
        await take_one_turn(made.runner(), Memory())
    assert made.cluster.done == []


def record_state(store: FakeStore) -> object:
    saved = store.load()
    assert saved is not None
    return saved.record.state
