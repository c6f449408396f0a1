"""Any generator of the reasoning-gym library as a task, scored by the library's own scorer.

The library is imported on first use: it costs a second, which listing the tasks should not pay.
"""

from __future__ import annotations

import difflib
import importlib
import json
import math
import random
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType, ModuleType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from fourdials.errors import GraderError, InputError
from fourdials.grading import tidy_number
from fourdials.plugins import Environment, Question, SearchTool, TaskInfo
from fourdials.records import Access, Format, Grade, Message, Problem, Prompt, Reads

_MARK = "Answer:"
_SHOT_SEED = 700_001  # of the shots, whatever the experiment's seed; their questions are never asked
_SOLVER, _NEEDS_SOLVER = "pycosat", "zebra_puzzles"
_SAMPLE = 24  # instances that decide how answers are read
_SHOT_CHARACTERS = 3000
# A generator picks by index from a sequence of fixed length, so that a longer list of problems begins with a shorter.
_LENGTH = 10_000


class Params(BaseModel):
    """Parameters of `reasoning_gym`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    generator: str = Field("chain_sum", min_length=1, description="Name of a reasoning-gym generator.")
    config: dict[str, Any] = Field(
        default_factory=dict, description="The generator's own parameters; it checks them itself."
    )
    shots: int = Field(8, ge=0, le=16, description="Worked examples put before a completion prompt, at most.")

    @field_validator("config")
    @classmethod
    def _leaves_seed_and_size(cls, config: dict[str, Any]) -> dict[str, Any]:
        taken = sorted({"seed", "size"} & set(config))
        if taken:
            raise ValueError(f"{' and '.join(taken)} come from the experiment (seed, problems); remove them here")
        return config


INFO = TaskInfo(
    title="Reasoning gym",
    summary="Puzzles, arithmetic, logic and games made by one of the generators of the reasoning-gym library and "
    "scored by its own scorer. How hard they are is set by the generator's parameters.",
    offers={"chat": frozenset({"given", "think"}), "completion": frozenset({"given"})},
    difficulty="not ranked: one setting, one difficulty",
    context_tokens=1200,
)


def problems(params: Params, count: int, seed: int) -> list[Problem]:
    """`count` problems with distinct questions, none of them among the shots.

    Raises InputError for an unknown generator, parameters it refuses, and where it makes too few distinct problems."""
    config = json.dumps(params.config, sort_keys=True, default=str)
    sample = [entry for _, entry in zip(range(_SAMPLE), _entries(params.generator, config, _SHOT_SEED), strict=False)]
    shots = _shots(sample, params.shots)
    shown = {question for question, _ in shots}
    data = {"generator": params.generator, "config": config, "reads": _reads(sample), "shots": shots}
    found: dict[str, Problem] = {}
    entries = _entries(params.generator, config, seed)
    # A hundred draws for each problem wanted, or else hardly any distinct ones are left.
    for _, entry in zip(range(100 * count), entries, strict=False):
        text = str(entry["question"])
        if len(found) < count and text not in shown and text not in found:
            found[text] = _problem(entry, seed, len(found), data)
        if len(found) >= count:
            return list(found.values())
    if not count:
        return []
    raise InputError(
        f"reasoning-gym's {params.generator} with config {config} made only {len(found)} distinct problems where "
        f"{count} are wanted; ask for fewer, lower shots, or widen its parameters"
    )


def _problem(entry: Mapping[str, Any], seed: int, number: int, data: Mapping[str, Any]) -> Problem:
    reference = entry["answer"]
    text = str(entry["question"])
    name = f"{data['generator']}-{seed}-{number}"
    return Problem(
        task="reasoning_gym",
        problem_id=name,
        cluster_id=name,
        difficulty=0.0,
        text=text,
        reference=reference,
        data=MappingProxyType({**data, "question": text}),
        world=MappingProxyType({"entry": entry}),
        truths=MappingProxyType({} if reference is None else {"answer": str(reference)}),
    )


def _library() -> Any:
    """reasoning-gym, also where the solver behind one of its puzzles could not be compiled."""
    try:
        importlib.import_module(_SOLVER)
    except ImportError:
        sys.modules[_SOLVER] = ModuleType(_SOLVER)
    return importlib.import_module("reasoning_gym")


@lru_cache(maxsize=64)
def _dataset(generator: str, config: str, seed: int) -> Any:
    """The library's data set; raises InputError if it has no such generator or refuses the parameters."""
    library = _library()
    if generator == _NEEDS_SOLVER and not hasattr(sys.modules[_SOLVER], "solve"):
        raise InputError(f"{generator} needs the package {_SOLVER}, which is not installed; it takes a C compiler")
    known = sorted(importlib.import_module("reasoning_gym.factory").DATASETS)
    if generator not in known:
        near = difflib.get_close_matches(generator, known, n=5, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else f"there are: {', '.join(known)}"
        raise InputError(f"reasoning-gym has no generator called {generator!r}; {hint}")
    options = {"seed": seed, "size": _LENGTH, **json.loads(config)}
    refusal = f"reasoning-gym's {generator} refuses config {config}"
    with _Shield(lambda error: InputError(f"{refusal}: {error or 'no reason given'}")):
        return library.create_dataset(generator, **options)


def _entries(generator: str, config: str, seed: int) -> Iterator[dict[str, Any]]:
    dataset = _dataset(generator, config, seed)
    failure = f"reasoning-gym's {generator} cannot make problems with config {config}"
    for index in range(_LENGTH):
        with _Shield(lambda error: InputError(f"{failure}: {error}")):
            entry = dict(dataset[index])
        yield entry


class _Shield:
    """Around third-party code: whatever it raises becomes `failure` of it, its warnings are dropped, and the global
    random generator is the same afterwards. The library's generators and scorers raise anything at all, so a list of
    exception classes would not do."""

    def __init__(self, failure: Callable[[Exception], Exception]) -> None:
        self._failure = failure
        self._warnings = warnings.catch_warnings()

    def __enter__(self) -> None:
        self._state = random.getstate()
        random.seed(0)
        self._warnings.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._warnings.__exit__(None, None, None)
        random.setstate(self._state)
        if isinstance(error, Exception):
            raise self._failure(error) from error


def _shots(sample: Sequence[Mapping[str, Any]], count: int) -> tuple[tuple[str, str], ...]:
    """Up to `count` distinct questions with answers, as many as fit a small context."""
    picked: dict[str, str] = {}
    for entry in sample:
        text, answer = str(entry["question"]), entry["answer"]
        length = sum(len(q) + len(a) for q, a in picked.items()) + len(text) + len(str(answer))
        if answer is not None and len(picked) < count and length <= _SHOT_CHARACTERS:
            picked.setdefault(text, str(answer))
    return tuple(picked.items())


def _reads(sample: Sequence[Mapping[str, Any]]) -> Reads:
    answers = [str(entry["answer"]) for entry in sample if entry["answer"] is not None]
    if answers and all(_is_number(answer) for answer in answers):
        return "number"
    return "block" if any("\n" in answer.strip() for answer in answers) or not answers else "text"


def _is_number(text: str) -> bool:
    plain = text.strip().removeprefix("-")
    return plain.replace(".", "", 1).isdecimal() and tidy_number(text) == text.strip()


def question(problem: Problem, access: Access, format: Format) -> Question:
    """The problem rendered without its reference."""
    if access != "given":
        raise InputError(f"reasoning_gym offers no {access}; use a strategy whose access is given")
    text: str = problem.data["question"]
    reads: Reads = problem.data["reads"]
    think = None
    if format == "chat":
        answer = _chat(f"{text}\n\nReply with the answer only.", reads, 128 if reads != "block" else 512)
        place = f"`{_MARK}` and the answer" if reads != "block" else f"`{_MARK}` and then the answer"
        think = _chat(f"{text}\n\nThink step by step. End with a line that starts with {place}.", reads, 2048)
    else:
        answer = _completion(text, reads, problem.data["shots"])
    return Question(
        problem_id=problem.problem_id,
        task=problem.task,
        access=access,
        format=format,
        text=text,
        answer=answer,
        think=think,
        answer_mark=_MARK,
    )


def _chat(text: str, reads: Reads, max_tokens: int) -> Prompt:
    return Prompt(messages=(Message("user", text),), max_tokens=max_tokens, reads=reads, mark=_MARK)


def _completion(text: str, reads: Reads, shots: Sequence[tuple[str, str]]) -> Prompt:
    block = reads == "block"
    worked = "".join(f"{_cue(question)} {answer}\n\n" for question, answer in shots)
    stop = ("\n\n",) if block else ("\n",)
    return Prompt(text=worked + _cue(text), stop=stop, max_tokens=512 if block else 64, reads=reads)


def _cue(text: str) -> str:
    """The question as a line that the answer continues."""
    plain = text.rstrip()
    return plain if plain.endswith("=") else f"{plain}\n{_MARK}"


def grade(problem: Problem, answer: str) -> Grade:
    """The library's own score, cut to [0, 1]; right from 0.99 on. Raises GraderError if the scorer fails."""
    generator, config = problem.data["generator"], problem.data["config"]
    dataset = _dataset(generator, config, _SHOT_SEED)
    entry = {**problem.world["entry"], "answer": problem.reference}
    scorer = f"reasoning-gym's scorer of {generator}"
    with _Shield(lambda error: GraderError(f"{scorer} failed: {type(error).__name__}: {error}")):
        raw = float(dataset.score_answer(answer, entry))
    if math.isnan(raw):
        raise GraderError(f"{scorer} gave no number")
    score = min(1.0, max(0.0, raw))
    return Grade(score, "correct" if score >= 0.99 else "wrong", {"library_score": raw})


def chance(problem: Problem) -> float:
    """0.0: the possible answers cannot be listed."""
    return 0.0


def constant(problems: Sequence[Problem]) -> str:
    """The most frequent reference, the first in the alphabet among equals; empty if there is none."""
    counts = Counter(str(problem.reference) for problem in problems if problem.reference is not None)
    return min(counts, key=lambda answer: (-counts[answer], answer), default="")


def search_tool(problem: Problem) -> SearchTool:
    """None: raises InputError."""
    raise InputError("reasoning_gym offers no search; use a strategy whose access is given")


def environment(problem: Problem, format: Format) -> Environment:
    """None: raises InputError."""
    raise InputError("reasoning_gym offers no environment; use a strategy whose access is given")
