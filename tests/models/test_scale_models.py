"""The scale models shipped: each plays in llama.cpp as where it was trained, and nothing but its own task."""

import asyncio
import json
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from fourdials import plugins, spec
from fourdials.errors import RequestRejected, SpecError
from fourdials.gateway import Gateway
from fourdials.ledger import modelled_seconds
from fourdials.models import catalogue, local
from fourdials.records import ModelRequest, Prompt, Usage
from fourdials.tasks import _letters, _rivers, _sudoku4
from tests.loopback import Loopback

RECORDED = json.loads((Path(__file__).parent / "scale_models.json").read_text(encoding="utf-8"))
SHIPPED = {name: model for name, model in catalogue.catalogue().items() if model.provenance == "scale model"}
ALPHABETS = {"rivers": _rivers.ALPHABET, "letter_shift": _letters.ALPHABET, "sudoku4": _sudoku4.ALPHABET}
RIVERS = {name: model for name, model in SHIPPED.items() if model.tasks == ("rivers",)}
SERVED = {name: model for name, model in SHIPPED.items() if not catalogue.in_process(model)}
each_model = pytest.mark.parametrize("model", SHIPPED.values(), ids=SHIPPED)


def replies(model, asked):
    """The greedy replies of the local server."""

    async def ask():
        gateway = Gateway([])
        await gateway.open([model])
        try:
            sent = (
                gateway.send(
                    ModelRequest(model, Prompt(text=text, stop=(";",), max_tokens=longest), "solve"),
                    lambda attempt: None,
                )
                for text, longest, _ in asked
            )
            return [attempt.samples[0].text for attempt in await asyncio.gather(*sent)]
        finally:
            await gateway.close()

    return asyncio.run(ask())


@pytest.mark.local_model
@pytest.mark.parametrize("model", SERVED.values(), ids=SERVED)
def test_the_greedy_replies_are_those_of_the_network_that_was_trained(model):
    asked = RECORDED[model.id.removeprefix("local/")]
    assert len(asked) >= 100
    assert replies(model, asked) == [reply for _, _, reply in asked]


@each_model
def test_its_file_and_card_are_there_and_agree(model):
    file = Path(model.file)
    card = tomllib.loads(file.with_suffix(".toml").read_text(encoding="utf-8"))
    assert catalogue.missing(model) is None
    assert card["name"] == file.stem
    assert card["parameters"] == model.parameters
    assert card["seconds_to_train"] < 600
    assert model.tasks == (card["task"],)
    assert model.alphabet == ALPHABETS[card["task"]]


@each_model
def test_its_seconds_can_be_modelled(model):
    alone = modelled_seconds(model, Usage(prompt_tokens=100, completion_tokens=8))
    longer = modelled_seconds(model, Usage(prompt_tokens=100, completion_tokens=80))
    assert 0 < alone < longer < 0.1


@pytest.mark.parametrize("model", RIVERS.values(), ids=RIVERS)
def test_the_card_of_a_model_of_rivers_says_what_it_was_given(model):
    card = tomllib.loads(Path(model.file).with_suffix(".toml").read_text(encoding="utf-8"))
    assert "partly given, not learned" in card["seeded_initialisation"]


def test_together_they_take_less_than_12_mb():
    assert sum(Path(model.file).stat().st_size for model in SHIPPED.values()) < 12e6


@each_model
def test_it_is_offered_for_its_own_task_only(model):
    (own,) = model.tasks
    assert plugins.unsuited(model, own) is None
    assert all(f"trained on {own} alone" in plugins.unsuited(model, name) for name in plugins.tasks() if name != own)


def run_of(task, strategy):
    model = next(iter(SHIPPED))
    return {"name": "x", "model": model, "tasks": [{"name": task}], "arms": [{"strategy": strategy}]}


def test_a_run_on_another_task_is_refused():
    with pytest.raises(SpecError, match="trained on rivers alone"):
        spec.parse(run_of("wikiworld", "single"))


def test_a_strategy_that_asks_in_english_is_refused():
    with pytest.raises(SpecError, match="words of its own"):
        spec.parse(run_of("rivers", "self_refine"))
    assert spec.parse(run_of("rivers", "best_of_n")).provenance == "scale model"


def act_by(**knobs):
    run = run_of("rivers", "act_best_of_n")
    run["arms"][0]["knobs"] = knobs
    return run


def test_a_strategy_that_says_its_words_with_some_knobs_only_is_refused_with_those():
    assert spec.parse(act_by(select="vote")).provenance == "scale model"
    with pytest.raises(SpecError, match="act_best_of_n asks in words of its own"):
        spec.parse(act_by(select="judge"))
    plan, task = plugins.strategies()["act_best_of_n"], plugins.tasks()["rivers"]
    model = next(iter(RIVERS.values()))
    assert (plan.says({"select": "vote"}), plan.says({"select": "judge"})) == (False, True)
    assert plugins.unreadable(plan, task, model, {"select": "vote"}) is None
    assert plugins.unreadable(plan, task, model) is not None, "without knobs the words count"
    assert plugins.unreadable(plan, task, catalogue.resolve("local/smollm2-135m"), {"select": "judge"}) is None


@each_model
@pytest.mark.parametrize("choices", [(), ("A", "B")])
def test_every_request_to_it_holds_the_reply_to_its_alphabet(model, choices):
    prompt = Prompt(text=model.alphabet[:2], choices=choices, reads="choice" if choices else "free", max_tokens=2)

    async def sent():
        async with Loopback() as server:
            gateway = Gateway([])
            gateway._servers[model.file] = SimpleNamespace(api_base=server.api_base)
            try:
                await gateway.open([])
                await gateway.send(ModelRequest(model, prompt, "solve"), lambda attempt: None)
            finally:
                gateway._servers.clear()
                await gateway.close()
            return server.seen[0].body["grammar"]

    sent = asyncio.run(sent())
    assert sent == local.spelling(model.alphabet)
    assert set(re.findall(r"\\x([0-9A-F]{2})", sent)) == {f"{ord(character):02X}" for character in model.alphabet}


@pytest.mark.local_model
def test_no_sampled_reply_holds_a_character_it_was_never_taught():
    # Before the grammar more than half of this model's sampled thoughts held one of llama.cpp's byte tokens.
    model = SHIPPED["local/rivers-reasoner-early"]

    async def sampled():
        gateway = Gateway([])
        await gateway.open([model])
        try:
            texts = [text for text, _, _ in RECORDED["rivers-reasoner-early"][:4]]
            requests = [
                ModelRequest(model, Prompt(text=text, stop=(";",), max_tokens=24), "solve", n=16, temperature=1.8)
                for text in texts
            ]
            attempts = await asyncio.gather(*(gateway.send(each, lambda attempt: None) for each in requests))
            return [sample.text for attempt in attempts for sample in attempt.samples]
        finally:
            await gateway.close()

    found = asyncio.run(sampled())
    assert len(found) == 64
    assert [text for text in found if set(text) - set(model.alphabet)] == []


def test_the_letters_are_read_as_they_were_taught_only():
    choice = {**run_of("letter_shift", "single"), "model": "local/letters-narrow"}
    with pytest.raises(SpecError, match="in letter_shift with these parameters"):
        spec.parse(choice)
    choice["tasks"][0]["params"] = {"notation": "taught"}
    assert spec.parse(choice).provenance == "scale model"


def test_a_prompt_with_a_character_it_does_not_know_is_not_sent():
    model = next(iter(SHIPPED.values()))
    request = ModelRequest(model, Prompt(text="ab,?a a"), "solve")
    with pytest.raises(RequestRejected, match="cannot read ' '"):
        asyncio.run(Gateway([]).send(request, lambda attempt: None))
