"""Looking around first, then a plan, then acting on it; a plan that fails is made anew."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import fill, with_notes
from fourdials.records import Checkpoint, Observation, Prompt
from fourdials.strategies.interaction._choosing import action_of, among

EXPLORE = "Seen so far:\n{notes}\nDo not finish yet: choose the action that shows something new."
PLAN = "Seen so far:\n{notes}\nWrite a short plan of the actions that lead to the end, in one line."
COMMIT = "Seen so far:\n{notes}\nPlan: {plan}"


@dataclass(slots=True)
class _Memory:
    """What was seen last at each place, in the order of first visits, and the plan, if there is one."""

    pages: dict[str, str] = field(default_factory=dict)
    plan: str | None = None

    def keep(self, seen: Observation) -> None:
        """Notes what is seen; a refused action shows nothing new."""
        if seen.valid or seen.where not in self.pages:
            self.pages[seen.where] = seen.text

    def fill(self, template: str) -> str:
        """A template with the notes and the plan in it."""
        notes = "\n".join(page.replace("\n", " ") for page in self.pages.values())
        return fill(template, notes=notes, plan=self.plan or "")


@strategy(
    dial="interaction",
    unit="environment steps",
    levels=(2, 4, 6, 8, 10),
    source="exploring and backtracking as more steps allow them: Shen et al. 2025, arXiv 2506.07976",
    access="environment",
    memory=True,
    prompts={"explore": EXPLORE, "plan": PLAN, "commit": COMMIT},
)
async def explore_then_commit(
    question: Question,
    ask: Ask,
    *,
    explore: Annotated[int, Field(ge=1, le=100, description="Steps of looking around before a plan is made")] = 3,
    plan_tokens: Annotated[int, Field(ge=8, le=2048, description="Longest plan, in tokens")] = 64,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of every call")] = 0.0,
) -> Turns:
    """Look around for some steps without finishing, plan with everything seen in view, then act on the plan.

    Spends one call and one environment step per level, and a call for each plan. All notes stay in the prompt, which
    therefore grows. After an action that was not open, or one that led back to a place the plan had been at, the plan
    is made anew. Wins where a wrong first turn has to be found out; loses, by the steps spent looking, where
    the way is plain from the start.
    """
    yield Checkpoint(0)
    seen, level, memory = await ask.look(), 0, _Memory()
    walked: set[str] = set()
    while not seen.done and seen.prompt is not None:
        level += 1
        memory.keep(seen)
        ask.note("memory", level=level, texts=list(memory.pages.values()))
        safe = [action for action in seen.actions if action not in seen.closing]
        if level <= explore and (safe or not seen.actions):  # a world that lists no actions has any number of them
            prompt = with_notes(among(seen.prompt, safe), memory.fill(EXPLORE))
        else:
            if memory.plan is None or not seen.valid or seen.where in walked:
                memory.plan = await _plan(ask, seen.prompt, memory, plan_tokens, level, temperature)
                walked.clear()
            walked.add(seen.where)
            prompt = with_notes(among(seen.prompt, seen.actions), memory.fill(COMMIT))
        reply = await ask(prompt, role="act", level=level, temperature=temperature)
        seen = await ask.step(action_of(reply), level=level)
        yield Checkpoint(level, seen.answer, final=seen.done)


async def _plan(ask: Ask, prompt: Prompt, memory: _Memory, tokens: int, level: int, temperature: float) -> str:
    free = replace(prompt, choices=(), reads="nothing", mark="", max_tokens=tokens, key="free")
    reply = await ask(with_notes(free, memory.fill(PLAN)), role="plan", level=level, temperature=temperature)
    return " ".join(reply.text.split())
