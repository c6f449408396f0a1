"""Another strategy for each problem, picked by a learned table or by asking a small model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from fourdials import plugins
from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.records import Checkpoint, Message, Prompt, Reply
from fourdials.routing import Rule, choose, features
from fourdials.strategies.hybrid._rungs import Rungs, rung_of

ROUTE = (
    "{question}\n\nDo not answer this. Which of these ways of answering suits it best?\n{ways}\n"
    "Reply with its name only."
)
ROUTE_COMPLETION = "{question}\n\nWays of answering:\n{ways}\nThe best way to answer this question:"
PARTS = ("solver", "router", "verifier", "large")


def _candidate(name: str) -> str:
    found = plugins.strategies().get(name)
    fits = {
        each.name
        for each in plugins.strategies().values()
        if each.nested and each.access == "given" and set(each.parts) <= set(PARTS) and each.name != "route"
    }
    if found is None or name not in fits:
        raise ValueError(f"{name!r} cannot be routed to; there are: {', '.join(sorted(fits))}")
    return name


def _candidates(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_candidate(name) for name in names))


def _table(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    for rule in rules:
        _candidate(rule.strategy)
    if rules and (rules[-1].task or rules[-1].at_most is not None):
        raise ValueError("the last rule must fit everything: give it neither a task nor at_most")
    return rules


def _settings(given: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: _knobs(_candidate(name), given) for name in given}


def _knobs(name: str, settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    validated = plugins.strategies()[name].Knobs.model_validate(settings.get(name, {}))
    return validated.model_dump(mode="json")


def _chosen_among(knobs: Mapping[str, Any]) -> list[tuple[plugins.Strategy, dict[str, Any]]]:
    """The strategies that may be picked, with their knobs."""
    names = [Rule.model_validate(rule).strategy for rule in knobs["rules"]] or list(knobs["candidates"])
    return [(plugins.strategies()[name], _knobs(name, knobs["settings"])) for name in dict.fromkeys(names)]


@strategy(
    dial="hybrid",
    unit="rungs",
    levels=(1, 2, 3, 4),
    source="a strategy per prompt: Snell et al. 2024, arXiv 2408.03314; small models first: Belcak et al. 2025, "
    "arXiv 2506.02153",
    parts=PARTS,
    prompts={"route (chat)": ROUTE, "route (completion)": ROUTE_COMPLETION},
    abilities=lambda knobs: tuple(
        dict.fromkeys(need for plan, own in _chosen_among(knobs) for need in plan.abilities(own))
    ),
    uses_truth=lambda knobs: any(plan.uses_truth(own) for plan, own in _chosen_among(knobs)),
    wants=lambda knobs: tuple(
        dict.fromkeys(need for plan, own in _chosen_among(knobs) for need in (*sorted(plan.needs), *plan.wants(own)))
    ),
)
async def route(
    question: Question,
    ask: Ask,
    *,
    rules: Annotated[
        tuple[Rule, ...],
        AfterValidator(_table),
        Field(description="A table learned on a calibration split; empty to ask the router"),
    ] = (),
    candidates: Annotated[
        tuple[str, ...],
        AfterValidator(_candidates),
        Field(min_length=1, max_length=12, description="Strategies the router chooses among where there are no rules"),
    ] = ("single", "majority_vote", "self_refine"),
    settings: Annotated[
        dict[str, dict[str, Any]], AfterValidator(_settings), Field(description="Knobs of the strategies, by name")
    ] = {},  # noqa: B006 - a frozen model's default, never changed
) -> Turns:
    """Pick a strategy for this problem, by a learned table or by asking the router, and run it.

    Rung r is the r-th of the chosen strategy's own default levels and spends what it spends there, and the router's
    call from rung 1 on; a strategy with fewer levels ends early. Learn the table with `fourdials.routing` on a
    calibration split and judge it on the rest. Every strategy that may be picked must fit the task, be nested, need no
    search or environment (a question is rendered once), and use no other parts than these. Wins where strategies win
    on different problems and these can be told apart beforehand; loses to the best fixed strategy by the router's call
    and by every wrong pick where they cannot.
    """
    granted = yield Checkpoint(0)
    reply: Reply | None = None
    if rules:
        name = choose([Rule.model_validate(rule) for rule in rules], question.task, question.text)
    else:
        reply = await ask(_request(question, candidates), role="route", level=1, part="router")
        name = reply.answer or candidates[0]
    ask.note("route", level=1, chosen=name, by="table" if rules else "router", features=features(question.text))
    plan = plugins.strategies()[name]
    rungs = plan.levels[: max(ask.levels)]
    turns = plan.play(question, Rungs(ask, rungs, reply), **_knobs(name, settings))
    checkpoint = await anext(turns)
    while True:
        if checkpoint.level in rungs or checkpoint.final:
            rung = rung_of(checkpoint.level, rungs)
            last = checkpoint.final or rung == len(rungs) < max(ask.levels)
            detail = {**checkpoint.detail, "chosen": name}
            granted = yield Checkpoint(rung, checkpoint.answer, final=last, detail=detail)
        try:
            checkpoint = await turns.asend(rungs[min(granted, len(rungs)) - 1])
        except StopAsyncIteration:
            return


def _request(question: Question, names: Sequence[str]) -> Prompt:
    ways = "\n".join(f"{name}: {plugins.strategies()[name].summary}" for name in names)
    template = ROUTE if question.format == "chat" else ROUTE_COMPLETION
    text = template.replace("{ways}", ways).replace("{question}", question.text)
    prompt = Prompt(choices=tuple(names), reads="choice", max_tokens=16, key="route")
    if question.format == "chat":
        return replace(prompt, messages=(Message("user", text),))
    return replace(prompt, text=text, stop=("\n",))
