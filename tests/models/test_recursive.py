"""The recursive nets: NumPy reads what torch read, a pass is a token, and they go the way of every other model."""

import asyncio
import json
import math
import tomllib
from pathlib import Path

import numpy as np
import pytest

import fourdials as fd
from fourdials.errors import RequestRejected
from fourdials.gateway import Gateway
from fourdials.models import catalogue, recursive
from fourdials.records import ModelRequest, Prompt

RECORDED = json.loads((Path(__file__).parent / "recursive_models.json").read_text(encoding="utf-8"))
NETS = {name: catalogue.resolve(f"local/{name}") for name in RECORDED}
NOISE = NETS["sudoku4-noise"]
CLUES = RECORDED["sudoku4-noise"][0][0]
each_net = pytest.mark.parametrize("model", NETS.values(), ids=NETS)


def ask(model, text, **changes):
    prompt = Prompt(text=text, max_tokens=changes.pop("passes", 8), reads="text")
    return ModelRequest(model, prompt, "solve", **changes)


@each_net
def test_numpy_reads_the_grids_that_torch_read(model):
    recorded = RECORDED[model.id.removeprefix("local/")]
    assert len(recorded) >= 40
    for clues, seed, grids in recorded:
        [(found, _)] = recursive.run(
            recursive.weights(model.file), clues, [seed or 0], len(grids), 0.0 if seed is None else 1.0
        )
        assert found == grids


@each_net
def test_its_card_counts_what_the_file_holds(model):
    card = tomllib.loads(Path(model.file).with_suffix(".toml").read_text(encoding="utf-8"))
    held = recursive.weights(model.file)
    assert card["parameters"] == model.parameters == sum(part.size for part in held.values())
    assert ("noise" in held) == card["noise"].startswith("learned")


def test_a_pass_counts_as_a_token_and_a_thought_shows_the_grid_after_each():
    [sample] = recursive.samples(ask(NOISE, f"{CLUES}>", passes=6))
    assert sample.usage.completion_tokens == len(sample.tokens) == 6
    assert sample.usage.prompt_tokens == 16
    assert "".join(sample.tokens) == sample.text
    assert [len(token) for token in sample.tokens] == [17] * 6
    assert sample.tokens[-1].startswith("=")
    [at_once] = recursive.samples(ask(NOISE, f"{CLUES}=", passes=6))
    assert at_once.text == sample.tokens[-1].removeprefix("=")
    assert (at_once.usage.completion_tokens, at_once.usage.reasoning_tokens) == (6, 5)


def test_a_longer_run_begins_with_a_shorter_one():
    short, long = (
        recursive.samples(ask(NOISE, f"{CLUES}>", passes=passes, temperature=1.0, seed=5))[0].tokens
        for passes in (3, 7)
    )
    assert [token.strip(",=") for token in long[:3]] == [token.strip(",=") for token in short]


def test_the_last_grid_of_a_cut_thought_is_read_off_for_one_token():
    [sample] = recursive.samples(ask(NOISE, f"{CLUES}>{'1' * 16},{'1234' * 4},="))
    assert sample.text == "1234" * 4
    assert sample.usage.completion_tokens == 1


def test_runs_differ_by_their_noise_alone():
    hot = recursive.samples(ask(NOISE, f"{CLUES}>", passes=2, n=16, temperature=2.0, seed=1))
    assert len({sample.logprob for sample in hot}) == 16
    assert [sample.usage.prompt_tokens for sample in hot] == [16] + [0] * 15
    assert recursive.samples(ask(NOISE, f"{CLUES}>", passes=2, n=16, temperature=2.0, seed=1)) == hot
    alone = recursive.samples(ask(NOISE, f"{CLUES}>", passes=2, temperature=2.0, seed=4))[0]
    assert alone.text == hot[3].text
    cold = recursive.samples(ask(NOISE, f"{CLUES}>", passes=2, n=4, seed=1))
    assert len({sample.text for sample in cold}) == 1


def test_it_is_as_sure_as_its_read_out_says():
    weights = recursive.weights(NOISE.file)
    solver = recursive.Solver(weights, np.array([[int(digit) for digit in CLUES]]), 0.0)
    for _ in range(8):
        solver.step([])
    _, [sure] = solver.read()
    [sample] = recursive.samples(ask(NOISE, f"{CLUES}=", passes=8))
    assert math.isclose(sample.logprob, sure, rel_tol=1e-4)
    assert sample.logprob < 0


@pytest.mark.parametrize(
    "text", ["1234", f"{CLUES}", f"{CLUES}>1234,=", f"{'5' * 16}=", "What is this?", f"{CLUES}=\n"]
)
def test_another_prompt_is_refused_before_anything_is_sent(text):
    with pytest.raises(RequestRejected, match="cannot read"):
        recursive.samples(ask(NOISE, text))
    with pytest.raises(RequestRejected, match="cannot read"):
        asyncio.run(Gateway([], max_attempts=1).send(ask(NOISE, text), lambda attempt: None))


def test_the_gateway_reaches_it_through_litellm_and_starts_no_server():
    async def send():
        gateway = Gateway([])
        await gateway.open([NOISE])
        try:
            return gateway._servers, await gateway.send(
                ask(NOISE, f"{CLUES}>", passes=4, n=3, temperature=1.0, seed=2), lambda attempt: None
            )
        finally:
            await gateway.close()

    servers, attempt = asyncio.run(send())
    assert servers == {}
    assert attempt.raw_usage["completion_tokens"] == 12
    assert [sample.text for sample in attempt.samples] == [
        sample.text for sample in recursive.samples(ask(NOISE, f"{CLUES}>", passes=4, n=3, temperature=1.0, seed=2))
    ]


def test_an_experiment_of_runs_and_passes_is_charged_by_the_pass(tmp_path):
    experiment = {
        "name": "Passes",
        "seed": 3,
        "model": NOISE.id,
        "tasks": [{"name": "sudoku4", "problems": 6, "params": {"notation": "taught", "empty": [6]}}],
        "arms": [
            {"strategy": "thought_vote", "levels": [1, 4], "knobs": {"tokens": 4, "temperature": 1.0}},
            {"strategy": "chain_of_thought", "levels": [2, 16]},
            {"strategy": "majority_vote", "levels": [2], "knobs": {"temperature": 1.0}},
        ],
    }
    with fd.execute(experiment, tmp_path) as results:
        assert results.runs()["provenance"].to_list() == ["scale model"]
        points = results.points(unit="completion_tokens")
        said = results.figure().layout.title.subtitle.text.replace("\N{NO-BREAK SPACE}", " ")
        assert said.startswith("Scale model, trained on this task")
    spends = points.drop_nulls("level").select("arm", "level", "spend").unique().sort("arm", "level").rows()
    assert spends == [
        ("chain_of_thought", 2, 3),  # two passes, and the grid read off
        ("chain_of_thought", 16, 16),
        *(("majority_vote", level, 8 * level) for level in (1, 2)),
        *(("thought_vote", level, 4 * level) for level in (1, 2, 3, 4)),
    ]
    assert points.filter(arm="chain_of_thought", level=16)["score"].mean() > 0.5
