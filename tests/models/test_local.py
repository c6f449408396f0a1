"""The real local model, where its weights are: per-sample counts, seeds, grammars. And its grammar text, anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fourdials.gateway import Gateway
from fourdials.grading import extract
from fourdials.models import catalogue, local, weights
from fourdials.records import Attempt, ModelRequest, Prompt

CAPITALS = Prompt(
    text="Indonesia: Jakarta\nFrance: Paris\nJapan: Tokyo\nPeru: Lima\nEgypt:",
    stop=("\n",),
    max_tokens=12,
    reads="text",
)


def test_a_grammar_allows_the_choices_with_quotes_and_line_breaks_escaped() -> None:
    assert local.grammar(("a", 'say "é"\n', "b\\c")) == 'root ::= " "? ("a" | "say \\"é\\"\\n" | "b\\\\c")'


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    if not weights.present():
        pytest.skip("the weights are not here: python -m fourdials.models.weights")
    opened = Gateway([])
    await opened.open([catalogue.resolve(catalogue.DEFAULT_LOCAL)])
    yield opened
    await opened.close()


async def sampled(gateway: Gateway, prompt: Prompt, **changes) -> Attempt:
    settings = {"temperature": 1.0, "seed": 11, "token_texts": True, **changes}
    request = ModelRequest(catalogue.resolve(catalogue.DEFAULT_LOCAL), prompt, "solve", **settings)
    return await gateway.send(request, lambda attempt: pytest.fail(str(attempt.error)))


@pytest.mark.local_model
async def test_the_real_model_keeps_its_promises(gateway: Gateway) -> None:
    alone = await sampled(gateway, CAPITALS, temperature=0.0)
    assert alone.samples[0].usage.completion_tokens == alone.raw_usage["completion_tokens"]
    assert not alone.samples[0].usage.estimated

    batch = await sampled(gateway, CAPITALS, n=4, temperature=1.5)
    for sample in batch.samples:
        listed = len(sample.tokens) + (sample.finish_reason == "stop" and sample.tokens[-1] != "")
        assert sample.usage.completion_tokens == listed  # the line break that ended it was generated too
        assert "".join(sample.tokens) == sample.text
        assert sample.logprob < 0
    assert batch.samples[0].usage.completion_tokens == batch.raw_usage["completion_tokens"]
    assert [sample.usage.prompt_tokens > 0 for sample in batch.samples] == [True, False, False, False]

    other = await sampled(gateway, CAPITALS, n=4, temperature=1.5, seed=5000)
    again = await sampled(gateway, CAPITALS, n=4, temperature=1.5)
    texts = [[sample.text for sample in attempt.samples] for attempt in (batch, other, again)]
    assert texts[0] != texts[1]
    assert texts[0] == texts[2]

    unlikely = Prompt(text=CAPITALS.text, choices=("green", "blue sky"), reads="choice", max_tokens=12)
    held = await sampled(gateway, unlikely, n=4)
    assert all(extract(unlikely, sample.text) in unlikely.choices for sample in held.samples)


def test_a_spelling_allows_each_sign_of_an_alphabet_as_a_code_and_no_other() -> None:
    assert local.spelling("a-]^") == "root ::= [\\x61\\x2D\\x5D\\x5E]*"
