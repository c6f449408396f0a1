"""Simulated models: rates within binomial bounds at fixed seeds, replies that can be read, ids with mistakes named."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from fourdials.errors import InputError
from fourdials.grading import extract
from fourdials.models import sim
from fourdials.records import Message, ModelRequest, Prompt, Role

NAMES = ("Oslo", "Rome", "Lima", "Bern")
CHOICE = Prompt(text="Where is it?", choices=NAMES, reads="choice", stop=("\n",), max_tokens=8)
STATED = "sim/solve=0.6,step=0.95,verify=0.8,act=0.9,query=0.7,revise=0.3"


def ask(
    model_id: str, prompt: Prompt = CHOICE, truth: str | None = "Rome", role: Role = "solve", **changes
) -> ModelRequest:
    return ModelRequest(sim.model(model_id), prompt, role, truth=truth, **{"temperature": 1.0, "seed": 1, **changes})


def answers(request: ModelRequest, calls: int) -> list[str | None]:
    """Answers to the same request at `calls` distinct seeds."""
    return [extract(request.prompt, sim.samples(replace(request, seed=7919 * call))[0].text) for call in range(calls)]


@pytest.mark.parametrize(
    ("role", "rate"),
    [("solve", 0.6), ("step", 0.95), ("verify", 0.8), ("act", 0.9), ("query", 0.7), ("revise", 0.3), ("judge", 0.6)],
)
def test_each_role_is_right_at_its_stated_rate(role: Role, rate: float) -> None:
    calls = 4000
    share = sum(answer == "Rome" for answer in answers(ask(STATED, role=role), calls)) / calls
    assert abs(share - rate) < 4 * math.sqrt(rate * (1 - rate) / calls)  # 4 standard errors: 1 in 16,000 by chance


def test_wrong_answers_are_spread_evenly_over_the_wrong_choices() -> None:
    found = answers(ask("sim/solve=0"), 3000)
    for name in ("Oslo", "Lima", "Bern"):
        assert abs(found.count(name) / 3000 - 1 / 3) < 4 * math.sqrt(2 / 9 / 3000)
    assert "Rome" not in found


def test_a_truth_that_is_not_among_the_choices_is_never_said() -> None:
    request = ask("sim/solve=1", truth="stop", role="solve")
    found = answers(request, 2000)
    assert set(found) == set(NAMES)
    assert abs(found.count("Oslo") / 2000 - 1 / 4) < 4 * math.sqrt(3 / 16 / 2000)
    assert sim.samples(request)[0].logprob == pytest.approx(math.log(1 / 4))


def test_samples_of_one_request_are_those_of_consecutive_seeds_and_repeat() -> None:
    batch = sim.samples(ask(STATED, n=5, seed=40))
    assert batch == sim.samples(ask(STATED, n=5, seed=40))
    assert [each.text for each in batch] == [sim.samples(ask(STATED, seed=seed))[0].text for seed in range(40, 45)]


def test_at_temperature_zero_the_seed_changes_nothing() -> None:
    texts = {sim.samples(ask("sim/solve=0.5", temperature=0.0, seed=seed))[0].text for seed in range(20)}
    assert len(texts) == 1


def test_without_spread_prompts_are_equally_hard_and_with_it_they_are_not() -> None:
    def rates(model_id: str) -> list[float]:
        prompts = [replace(CHOICE, text=f"Where is number {number}?") for number in range(60)]
        return [sum(a == "Rome" for a in answers(ask(model_id, prompt), 100)) / 100 for prompt in prompts]

    def variance(values: list[float]) -> float:
        mean = sum(values) / len(values)
        return sum((value - mean) ** 2 for value in values) / len(values)

    alike, unlike = rates("sim/solve=0.5"), rates("sim/solve=0.5,spread=0.4")
    assert variance(alike) < 0.006  # sampling alone: 0.0025
    assert 0.05 < variance(unlike) < 0.16  # 0.4 × 0.25 = 0.1
    assert abs(sum(unlike) / 60 - 0.5) < 4 * math.sqrt(0.1 / 60)


def test_wrong_replies_agree_on_a_favourite_of_each_prompt_in_the_stated_share() -> None:
    found = answers(ask("sim/solve=0,same=0.7"), 3000)
    [(favourite, times)] = Counter(found).most_common(1)
    assert abs(times / 3000 - (0.7 + 0.1)) < 4 * math.sqrt(0.8 * 0.2 / 3000)  # the rest falls evenly on three names
    assert set(answers(ask("sim/solve=0,same=1"), 50)) == {favourite} != {"Rome"}
    others = [replace(CHOICE, text=f"Where is number {number}?") for number in range(40)]
    assert len({answers(ask("sim/solve=0,same=1", prompt), 1)[0] for prompt in others}) == 3
    reply = sim.samples(ask("sim/solve=0.6,same=1", truth="Rome", seed=2))[0]
    assert reply.logprob == pytest.approx(math.log(0.6 if "Rome" in reply.text else 0.4))


def test_a_share_of_wrong_replies_rambles_until_it_is_cut_off_and_right_ones_never_do() -> None:
    samples = [sim.samples(ask("sim/solve=0.5,rambles=0.4", seed=7919 * seed))[0] for seed in range(3000)]
    cut = [sample for sample in samples if sample.finish_reason == "length"]
    assert abs(len(cut) / 3000 - 0.2) < 4 * math.sqrt(0.2 * 0.8 / 3000)
    assert {extract(CHOICE, sample.text) for sample in cut} == {None}
    assert {sample.usage.completion_tokens for sample in cut} == {CHOICE.max_tokens}
    assert not any("Rome" in sample.text for sample in cut)


THINK = Prompt(messages=(Message("user", "Think."),), reads="text", mark="Answer:", max_tokens=100)


@pytest.mark.parametrize(
    ("prompt", "truth"),
    [
        (CHOICE, "Rome"),
        (
            Prompt(messages=(Message("user", "?"),), choices=NAMES, reads="choice", mark="Answer:", max_tokens=32),
            "Rome",
        ),
        (THINK, "a brown fox"),
        (replace(THINK, messages=(), text="Think:", stop=("\n",)), "Rome"),
        (Prompt(text="6+1=", reads="number", stop=("\n",)), "7"),
        (Prompt(messages=(Message("user", "?"),), reads="number", mark="Answer:"), "1200.5"),
        (Prompt(text="Query:", reads="text", stop=("\n",)), "who is Bob"),
        (Prompt(text="Right?", choices=("yes", "no"), reads="choice"), "no"),
    ],
    ids=["choice", "chat choice", "thought", "raw thought", "number", "chat number", "text", "verdict"],
)
def test_a_right_reply_reads_as_the_truth_and_a_wrong_one_as_something_else(prompt: Prompt, truth: str) -> None:
    assert set(answers(ask("sim/solve=1", prompt, truth), 20)) == {truth}
    wrong = answers(ask("sim/solve=0", prompt, truth), 20)
    assert truth not in wrong
    assert None not in wrong
    assert not any(stop in sim.samples(ask("sim/solve=1", prompt, truth))[0].text for stop in prompt.stop)


def test_free_text_without_a_truth_still_gets_a_reply() -> None:
    assert sim.samples(ask("sim/default", Prompt(text="A plan:"), truth=None))[0].text


def test_a_thought_has_the_stated_length_in_token_texts_that_join_to_it() -> None:
    [sample] = sim.samples(ask("sim/solve=1,tokens=30", THINK, token_texts=True))
    assert sample.usage.completion_tokens == len(sample.tokens) == 30
    assert "".join(sample.tokens).rstrip(" ") == sample.text
    assert sample.finish_reason == "stop"


def test_a_thought_cut_short_is_the_beginning_of_the_whole_one_and_says_so() -> None:
    whole = sim.samples(ask("sim/tokens=30", THINK))[0]
    cut = sim.samples(ask("sim/tokens=30", replace(THINK, max_tokens=10)))[0]
    assert cut.finish_reason == "length"
    assert cut.usage.completion_tokens == 10
    assert whole.text.startswith(cut.text)
    assert "Answer:" not in cut.text


def test_the_prompt_is_counted_on_the_first_sample_only_and_grows_with_the_prompt() -> None:
    usages = [sample.usage.prompt_tokens for sample in sim.samples(ask("sim/default", n=3))]
    longer = sim.samples(ask("sim/default", replace(CHOICE, text=CHOICE.text * 10)))[0].usage.prompt_tokens
    assert usages == [3, 0, 0]
    assert longer == 30


def test_a_likelier_reply_has_the_higher_log_probability() -> None:
    right, wrong = (sim.samples(ask(f"sim/solve={rate}"))[0].logprob for rate in (1, 0))
    ordered = [sim.samples(ask(f"sim/solve={rate},spread=0", temperature=1.0, seed=3))[0] for rate in (0.99, 0.9)]
    assert right == 0.0
    assert wrong == pytest.approx(math.log(1 / 3))
    assert all(first.logprob > second.logprob for first, second in pairwise(ordered))


def test_an_id_names_its_format_and_says_it_is_simulated() -> None:
    model = sim.model("sim/solve=0.7,format=completion")
    assert (model.format, model.provenance, model.provider) == ("completion", "simulated", "sim")
    assert sim.model("sim/default").format == "chat"


def test_every_mistake_of_an_id_is_named() -> None:
    with pytest.raises(InputError) as caught:
        sim.model("sim/solve=1.2,sole=0.5,tokens=0,format=prose,spread=1,step=0.5,step=0.6,latency")
    for part in ("solve=1.2", "'sole=0.5'", "tokens=0", "format=prose", "spread=1", "step is given twice", "'latency'"):
        assert part in str(caught.value)


@pytest.mark.parametrize("model_id", ["sim/", "sim/solve", "sim/solve=nan", "sim/solve=", "sim/defaults"])
def test_an_id_that_says_nothing_is_refused(model_id: str) -> None:
    with pytest.raises(InputError, match="is not a simulated model"):
        sim.model(model_id)


def test_words_made_less_likely_are_missing_from_thoughts() -> None:
    asked = Prompt(messages=(Message("user", "?"),), max_tokens=200, mark="Answer:", reads="text")
    kept = replace(asked, discouraged=("so", "then"), bias=3.0)
    plain, fewer = (" ".join(s.text for s in sim.samples(ask(STATED, prompt, n=8))) for prompt in (asked, kept))
    assert {"so", "then"} <= set(plain.split())
    assert not {"so", "then"} & set(fewer.split())
