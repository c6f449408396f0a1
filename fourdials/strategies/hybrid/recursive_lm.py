"""A text that never enters the prompt: the model looks into it with a few tools, and sub-calls read slices of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, NamedTuple

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import fill, request, with_notes
from fourdials.records import Checkpoint, Message, Prompt, Role
from fourdials.strategies._together import together

TOOLS = (
    "{question}\n\nThe text that holds the answer has {size} lines and is not shown. You see it through tools only.\n"
    "Parts now in view: {parts}\nKnown so far:\n{notes}\n\nTools: `search` finds lines by words; `peek N` shows the "
    "first lines of part N; `ask N` lets a helper read part N and answer from it alone; `split N` cuts part N into "
    "parts of its own; `answer` ends the search. Reply with one of: {actions}"
)
TOOLS_COMPLETION = "{question}\nParts of the text: {parts}\nKnown so far:\n{notes}\nTools: {actions}\nNext tool:"
QUERY = "{question}\n\nKnown so far:\n{notes}\n\nWrite the words to search the text for, on one line and nothing else."
LINES = "Lines of the text:\n{lines}"
LINES_COMPLETION = "{lines}"
NONE_YET = "(nothing)"


class Slice(NamedTuple):
    """Lines from `start` (0 is the first) up to before `stop`."""

    start: int
    stop: int

    @property
    def name(self) -> str:
        """As people count: `lines 1 to 30`."""
        return f"lines {self.start + 1} to {self.stop}"

    @property
    def lines(self) -> int:
        """How many."""
        return self.stop - self.start

    def cut(self, parts: int) -> list[Slice]:
        """So many parts of equal length, give or take a line; fewer if there are fewer lines, none if there is none."""
        if not self.lines:
            return []
        parts = min(parts, self.lines)
        ends = [self.start + self.lines * number // parts for number in range(parts + 1)]
        return [Slice(*pair) for pair in pairwise(ends)]


@strategy(
    dial="hybrid",
    unit="tool calls",
    levels=(1, 2, 3, 4),
    source="recursive language models: Zhang et al. 2025, arXiv 2512.24601",
    access="search",
    needs=("store",),
    memory=True,
    parts=("solver", "sub"),
    prompts={
        "tools (chat)": TOOLS,
        "tools (completion)": TOOLS_COMPLETION,
        "query (chat)": QUERY,
        "lines (chat)": LINES,
    },
)
async def recursive_lm(
    question: Question,
    ask: Ask,
    *,
    parts: Annotated[int, Field(ge=2, le=16, description="Parts a view is cut into")] = 4,
    slice_lines: Annotated[int, Field(ge=1, le=2000, description="Most lines one call reads; more are cut up")] = 30,
    peeked: Annotated[int, Field(ge=1, le=50, description="Lines shown by a peek")] = 3,
    passages: Annotated[int, Field(ge=1, le=20, description="Lines returned by a search")] = 3,
    memory: Annotated[int, Field(ge=1, le=200, description="Newest entries of what is known that stay in view")] = 12,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of every call")] = 0.0,
) -> Turns:
    """Search, peek into, split and hand out a text held outside the prompt; answer from what came back.

    A level spends one choice of a tool and what the tool does: `ask` on a part spends one call of the sub-model, or,
    where the part is longer than `slice_lines`, one for each piece, side by side, and one to put them together, at
    every depth. Each level's answer from the notes is a probe. The tools are fixed and no code is run, which the source
    lets the model write; a choice is picked from a list, so that a completion model can play too (it searches for the
    question itself). Made for `long_context`, and any store that can be read by place. Wins where the text is longer
    than the context, or too long to be read well at once; loses to one call where it fits, to plain search where one
    line is enough, and on counts that its helpers get wrong.
    """
    yield Checkpoint(0)
    size = await ask.size()
    view, notes, used = Slice(0, size).cut(parts), list[str](), set[str]()
    level, final = 0, False
    while not final:
        actions = [name for name in _actions(view, slice_lines, bool(notes)) if name not in used]
        level += 1
        chosen = await ask(
            _tools(question, view, notes[-memory:], actions, size), role="plan", level=level, temperature=temperature
        )
        tool, _, number = (chosen.answer or actions[-1]).partition(" ")
        used.add(chosen.answer or actions[-1])
        final = tool == "answer"
        part = view[int(number) - 1] if number else None
        found: list[str] = []
        if tool == "search":
            query = await _query(question, ask, notes[-memory:], level, temperature)
            found = await ask.search(query, level=level, k=passages)
        elif part is not None and tool == "peek":
            found = await ask.read(part.start, min(part.stop, part.start + peeked), level=level)
        elif part is not None and tool == "ask":
            found = [await _read(question, ask, part, parts, slice_lines, level, temperature)]
        elif part is not None:
            view, used = part.cut(parts), {"search"} & used
        fresh = [line for line in found if line not in notes]
        if tool == "search" and fresh and question.format == "chat":
            used.discard("search")  # other words may find more
        notes += fresh
        reply = await ask(
            _over(question, notes[-memory:]), role="synthesise", level=level, probe=True, temperature=temperature
        )
        ask.note("memory", level=level, texts=notes)
        ask.note("tool", level=level, tool=chosen.answer or actions[-1], entries=len(notes))
        yield Checkpoint(level, reply.answer, final=final)


def _actions(view: Sequence[Slice], slice_lines: int, known: bool) -> list[str]:
    """What may be chosen, `answer` last and only once something is known or where there is no text."""
    numbers = range(1, len(view) + 1)
    names = ["search", *(f"ask {n}" for n in numbers), *(f"peek {n}" for n in numbers)]
    names += [f"split {n}" for n in numbers if view[n - 1].lines > slice_lines]
    return [*names, "answer"] if known or not view else names


def _tools(
    question: Question, view: Sequence[Slice], notes: Sequence[str], actions: Sequence[str], size: int
) -> Prompt:
    chat = question.format == "chat"
    text = fill(
        TOOLS if chat else TOOLS_COMPLETION,
        size=str(size),
        parts="; ".join(f"{number}: {part.name}" for number, part in enumerate(view, 1)),
        actions=", ".join(actions),
        question=question.text,
        notes="\n".join(notes) or NONE_YET,
    )
    if chat:
        messages = (Message("user", text),)
        return Prompt(messages=messages, choices=tuple(actions), reads="choice", max_tokens=16, key="tool")
    return Prompt(text=text, choices=tuple(actions), reads="choice", stop=("\n",), max_tokens=8, key="tool")


async def _query(question: Question, ask: Ask, notes: Sequence[str], level: int, temperature: float) -> str:
    """The words a chat model wants to search for; the question itself for a completion model."""
    if question.format == "completion":
        return question.text
    prompt = request("chat", QUERY, "", max_tokens=48, question=question.text, notes="\n".join(notes) or NONE_YET)
    reply = await ask(prompt, role="query", level=level, temperature=temperature)
    return next((line.strip() for line in reply.text.splitlines() if line.strip()), question.text)


async def _read(
    question: Question, ask: Ask, part: Slice, parts: int, slice_lines: int, level: int, temperature: float
) -> str:
    """What the sub-model answers from a slice alone, its pieces read side by side where it is too long for one call."""
    if part.lines <= slice_lines:
        role: Role = "solve"
        lines = await ask.read(part.start, part.stop, level=level)
    else:
        role = "synthesise"
        pieces = part.cut(parts)
        branches = [ask.fork(f"lines-{piece.start}-{piece.stop}-{level}") for piece in pieces]
        lines = await together(
            [
                _read(question, branch, piece, parts, slice_lines, level, temperature)
                for branch, piece in zip(branches, pieces, strict=True)
            ]
        )
        ask.join(*branches)
    reply = await ask(_over(question, lines), role=role, level=level, part="sub", temperature=temperature)
    return f"From {part.name}: {reply.answer if reply.answer is not None else 'nothing'}"


def _over(question: Question, lines: Sequence[str]) -> Prompt:
    shown = "\n".join(lines)
    if not shown:
        return question.answer
    template = LINES if question.format == "chat" else LINES_COMPLETION
    return with_notes(question.answer, template.replace("{lines}", shown))
