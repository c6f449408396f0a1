"""The forecast rehearses the real strategies, so it brackets what the same experiment then costs."""

import re

import polars as pl
import pytest

from fourdials import forecast as module
from fourdials.errors import InputError
from fourdials.forecast import forecast
from tests.scripted import Script, arm, capped, experiment, journaled, model, play


def test_the_forecast_brackets_what_a_run_then_costs(tmp_path):
    what = experiment([arm("majority_vote"), arm("best_of_n"), arm("stepwise"), arm("retrieve")], problems=12)
    cast = forecast(what)
    play(tmp_path, what, Script())
    trials = journaled(tmp_path, "trial")
    calls = sum(t["calls"] for t in trials)
    assert cast.trials == len(trials) == 48
    assert cast.blocks == 12
    assert 0.8 * cast.calls.low <= calls <= 1.2 * cast.calls.high
    tokens = sum(t["prompt_tokens"] + t["completion_tokens"] for t in trials)
    assert 0.5 * cast.total_tokens.low <= tokens <= 1.5 * cast.total_tokens.high


def test_repeats_and_problems_scale_it():
    one = forecast(experiment([arm("majority_vote")], problems=6))
    four = forecast(experiment([arm("majority_vote")], problems=12, repeats=2))
    assert four.calls.high == pytest.approx(4 * one.calls.high)
    assert four.trials == 4 * one.trials
    assert four.detectable_difference < one.detectable_difference


def test_a_share_of_the_budget_caps_each_arm():
    arms = [arm("majority_vote", share=0.5), arm("stepwise", share=0.5)]
    cast = forecast(experiment(arms, problems=10, budget=capped(total_tokens=4000)))
    assert cast.per_arm["majority_vote"].high == 200
    assert cast.total_tokens.high <= 4000 + 1


def test_an_unknown_price_stays_unknown_and_thoughts_make_a_band():
    cast = forecast(experiment([arm("chain_of_thought", "chat")], problems=4))
    assert cast.usd is None
    assert cast.completion_tokens.low < cast.completion_tokens.high


def test_earlier_trials_of_the_same_kind_replace_the_rehearsal():
    past = pl.DataFrame(
        {
            "task": ["wikiworld"] * 4,
            "strategy": ["majority_vote"] * 4,
            "model": [model().id] * 4,
            "max_level": [16] * 4,
            "calls": [16] * 4,
            "prompt_tokens": [1000] * 4,
            "completion_tokens": [100] * 4,
        }
    )
    cast = forecast(experiment([arm("majority_vote")], problems=10), history=past)
    assert cast.measured == ("majority_vote",)
    assert cast.total_tokens.low == pytest.approx(0.85 * 1100 * 10)
    assert forecast(experiment([arm("majority_vote")], problems=10), history=past.head(2)).measured == ()


@pytest.mark.parametrize("share", [None, 1.0])
def test_no_more_is_forecast_than_a_budget_in_any_unit_allows(share):
    arms = [arm("majority_vote", share=share)]
    free = forecast(experiment(arms, problems=20))
    for budget in ({"calls": 40}, {"total_tokens": int(free.total_tokens.high / 3)}):
        cast = forecast(experiment(arms, problems=20, budget=capped(**budget)))
        for unit, limit in budget.items():
            assert getattr(cast, unit).high <= limit + 1
    roomy = forecast(experiment(arms, problems=20, budget=capped(total_tokens=int(free.total_tokens.low) + 20)))
    assert roomy.total_tokens.low == pytest.approx(free.total_tokens.low, rel=0.02), "a cap leaves the low end alone"


def test_the_high_end_counts_a_forced_answer_at_every_level_of_a_thought():
    cast = forecast(experiment([arm("chain_of_thought", "chat")], problems=4))
    assert cast.calls.high == 4 * (1 + 5)


def test_what_no_run_could_do_is_not_forecast_but_refused_as_the_run_refuses_it(tmp_path):
    (tmp_path / "eight.jsonl").write_text("".join(f'{{"question": "{n}?", "answer": "{n}"}}\n' for n in range(8)))
    short = experiment(
        [arm("single", "chat")], task="dataset", problems=50, params={"path": str(tmp_path / "eight.jsonl")}
    )
    refusals = []
    for attempt in (forecast, lambda what: play(tmp_path / "run", what, Script())):
        with pytest.raises(InputError, match=r"has 8 rows, 2 of them kept as examples; 50 problems are wanted") as told:
            attempt(short)
        refusals.append(str(told.value))
    assert refusals[0] == refusals[1]


def test_an_arm_whose_task_fails_before_any_reply_is_refused_with_what_its_trials_end_with(tmp_path):
    (tmp_path / "mine.py").write_text("def picky(text):\n    raise KeyError(text)\n")
    table = tmp_path / "one.jsonl"
    table.write_text('{"question": "?", "answer": "1"}\n')

    def acting(**params):
        return experiment(
            [arm("act", "chat")], task="dataset", problems=1, params={"path": str(table), "shots": 0} | params
        )

    absent = acting(tool=f"{tmp_path / 'mine.py'}:absent")
    play(tmp_path / "run", absent, Script())
    message = journaled(tmp_path / "run", "trial")[0]["error"]["message"]
    with pytest.raises(InputError, match=f"every trial of act on dataset fails: {re.escape(message)}"):
        forecast(absent)
    picky = acting(tool=f"{tmp_path / 'mine.py'}:picky")
    assert forecast(picky).calls.low > 0, "a tool that only the invented replies upset is no reason to refuse"


@pytest.fixture
def asked(monkeypatch):
    """How many replies the rehearsal has invented."""
    sent = []
    real = module._Stand.send

    async def counted(self, request, record):
        sent.append(request.n)
        return await real(self, request, record)

    monkeypatch.setattr(module._Stand, "send", counted)
    return sent


@pytest.mark.parametrize(("strategy", "levels"), [("majority_vote", (1, 900)), ("width_depth", (4, 64, 900))])
def test_large_levels_are_worked_out_from_small_ones_as_they_would_be_played(monkeypatch, strategy, levels):
    what = experiment([arm(strategy, levels=levels)], problems=1)
    told = forecast(what)
    monkeypatch.setattr(module, "REHEARSED_LEVELS", 1000)
    played = forecast(what)
    assert played.calls.high == 900
    # The invented replies are of one or two tokens, so their sum over the levels that were played is off by a little.
    for unit, near in (("calls", 0), ("prompt_tokens", 0.01), ("completion_tokens", 0.06)):
        for end in ("low", "high"):
            assert getattr(getattr(told, unit), end) == pytest.approx(getattr(getattr(played, unit), end), rel=near)


@pytest.mark.parametrize("strategy", ["majority_vote", "best_of_n", "stepwise", "decompose_and_vote"])
def test_no_level_that_an_experiment_may_have_is_rehearsed_call_by_call(asked, strategy):
    cast = forecast(experiment([arm(strategy, levels=(1, 200_000))], problems=1))
    assert sum(asked) < 6000
    assert cast.calls.high >= {"majority_vote": 200_000, "best_of_n": 400_000}.get(strategy, 1)


def test_a_long_thought_is_rehearsed_in_full_since_its_tokens_are_no_calls(monkeypatch):
    what = experiment([arm("chain_of_thought", "chat", levels=(100, 2000))], problems=1)
    told = forecast(what)
    monkeypatch.setattr(module, "REHEARSED_LEVELS", 10_000)
    assert told == forecast(what)
    assert told.completion_tokens.high >= 2000
