"""Your own problems, from a table: CSV, TSV, JSON Lines or Parquet, by path or URL, its columns mapped by name.

Passages of the table can be shown with their question, or searched: the store is the passages of all rows. Answers are
graded exactly, as a choice, as a number, as mathematics, by a pattern or by a judge model. A retriever, a tool or an
environment of yours takes part by `file.py:Name`.
"""

from __future__ import annotations

import importlib.util
import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from fourdials import own
from fourdials.errors import InputError
from fourdials.grading import tidy_number
from fourdials.plugins import Environment, Question, SearchTool, TaskInfo
from fourdials.records import Access, Format, Problem, Prompt, Reads
from fourdials.tasks import _table
from fourdials.tasks._asking import MARK, THINK, OneStep, chat, line, most_frequent, refusal, require
from fourdials.tasks._graders import LETTERS as _LETTERS
from fourdials.tasks._graders import RUBRIC, Grader, ballot, blurred, examination, grade, reading, truths, verdict
from fourdials.tasks._lookup import SentenceSearch

# graders come from _graders
__all__ = ["INFO", "Params", "ballot", "examination", "grade", "problems", "question", "verdict"]
OFFERED: tuple[Access, ...] = ("given", "search")
CODE: JsonDict = {"file": "code"}  # marks parameters that name code which a run loads
_OPTIONAL = {"id": "id", "choices": "choices", "difficulty": "difficulty", "cluster": "cluster", "passages": "passages"}
_GRADING = {"grader", "tolerance", "relative_tolerance", "time_limit_s", "rubric", "judge_reply", "pass_mark"}


class Params(BaseModel):
    """Parameters of `dataset`. An optional column is used if the table has it; one named otherwise must be there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(
        "data/example_problems.csv",
        min_length=1,
        description="A .csv, .tsv, .jsonl or .parquet file in UTF-8, its URL, or its hf:// path. CSV may be parted by "
        "semicolons or tabs.",
        json_schema_extra={"file": "table"},
    )
    question: str = Field("question", description="Column of the question.")
    answer: str = Field(
        "answer",
        description="Column of the right answer; for grader = regex, of the pattern; for choice, of an option's own "
        "words, or else its letter. Where any has several lines, all lines of a reply are its answer.",
    )
    id: str = Field("id", description="Column of a name for each problem (optional; else its row).")
    choices: str = Field(
        "choices",
        description="Column of the options: a list, or a text parted by | (optional). Lettered A, B, … in their order.",
    )
    difficulty: str = Field("difficulty", description="Column of a number that orders problems (optional).")
    cluster: str = Field(
        "cluster", description="Column that problems with a shared context agree in (optional; empty: none)."
    )
    passages: str = Field(
        "passages",
        description="Column of texts to show or search: a list, or parted by empty lines (optional). "
        "A search that shares no word with any finds the first.",
    )
    grader: Grader = Field(
        "exact",
        description="`exact` (but for case and spacing), `choice`, `number` "
        "(`1/2`, `10^3` and `1,200` are read whole; `3,14` is none), `math` (equivalence by math-verify; letters in a "
        "row are a product, so `abc` equals `cab`), `regex` (the whole answer), or `judge` (a model reads the rubric; "
        "the experiment names it as `grader_model`).",
    )
    tolerance: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="number: largest difference that counts as right."
    )
    relative_tolerance: float = Field(0.0, ge=0, lt=1, description="number: the same as a share of the answer.")
    time_limit_s: float = Field(5.0, gt=0, le=600, description="math, regex: seconds until grading is given up.")
    rubric: str = Field("", description=f"judge: what makes an answer right. Left empty: {RUBRIC}")
    judge_reply: Literal["yes or no", "score"] = Field(
        "yes or no", description="judge: what it replies with; a score goes from 0 to 10, and counts in tenths."
    )
    pass_mark: int = Field(10, ge=1, le=10, description="judge: the lowest score that counts as a correct answer.")
    retriever: str = Field(
        "", description="Your own search, as my_search.py:MyRetriever. Its code runs.", json_schema_extra=CODE
    )
    tool: str = Field(
        "", description="A tool to act with, as my_tool.py:calculate. Its code runs.", json_schema_extra=CODE
    )
    environment: str = Field(
        "", description="A world to act in, as my_world.py:World. Its code runs.", json_schema_extra=CODE
    )
    shots: int = Field(2, ge=0, le=16, description="Rows shown to completion models as examples, and never asked.")

    @model_validator(mode="after")
    def _one_world(self) -> Self:
        if self.tool and self.environment:
            raise ValueError("a problem has a tool or an environment, not both; leave one empty")
        return self


INFO = TaskInfo(
    title="Your own problems",
    summary="Questions from a table of yours, with graders from exact to mathematical equivalence, and your passages "
    "to show or to search. With a tool or an environment of yours it can be acted in. As it comes, a small example "
    "table.",
    offers={
        "chat": frozenset({"given", "search", "steps", "think", "queries"}),
        "completion": frozenset({"given", "search", "steps", "queries"}),
    },
    difficulty="the table's own column; 0 without one",
    context_tokens=1000,
    aside=True,
)


def offers(params: Params, format: Format) -> frozenset[str]:
    """What the table can be used with: searching takes passages or a retriever, acting a tool or an environment.

    A table that cannot be read here, or would have to be fetched, is taken to have passages.
    """
    lacking = frozenset() if _searchable(params) else _SEARCHING
    return (INFO.offers[format] - lacking) | ({"environment"} if params.tool or params.environment else frozenset())


def lacking(params: Params, missing: frozenset[str]) -> str:
    """What to do where something is not offered that could be."""
    if missing & _SEARCHING:
        return _NO_PASSAGES
    return "name a tool or an environment of yours" if "environment" in missing else ""


def _searchable(params: Params) -> bool:
    if params.retriever or "://" in params.path:
        return True
    try:
        rows = _table.read(params.path)
    except InputError:
        return True
    return any(_table.several(row.get(params.passages), "\n\n") for row in rows)


def judged(params: Params) -> bool:
    """True if a model grades."""
    return params.grader == "judge"


def problems(params: Params, count: int, seed: int) -> list[Problem]:
    """`count` rows in an order drawn by the seed. Raises InputError for a table, column or cell that cannot be used."""
    rows = _table.read(params.path)
    _check(params, rows)
    order = list(range(len(rows)))
    random.Random("dataset shots").shuffle(order)  # the same examples whatever the seed
    kept, asked = order[: params.shots], sorted(order[params.shots :])
    if count > len(asked):
        raise InputError(
            f"{params.path} has {len(rows)} rows, {len(kept)} of them kept as examples; {count} problems are wanted: "
            "ask for fewer or lower shots"
        )
    # A pattern is no example of an answer; its rows are kept all the same, so that every grader is asked the same.
    shots = () if params.grader == "regex" else tuple(_example(params, rows[row], row + 1) for row in kept)
    random.Random(f"dataset:{seed}").shuffle(asked)
    stored = tuple(dict.fromkeys(text for row in rows for text in _table.several(row.get(params.passages), "\n\n")))
    answers = [str(row.get(params.answer) or "").strip() for row in rows]
    read = dict(zip(("reads", "stop"), reading(params.grader, answers), strict=True))
    store = MappingProxyType({"passages": stored, **params.model_dump(include={"retriever", "tool", "environment"})})
    return [_problem(params, rows, row, shots, store, read) for row in asked[:count]]


def _check(params: Params, rows: Sequence[_table.Row]) -> None:
    if not rows:
        raise InputError(f"{params.path} has no rows")
    columns = list(rows[0])
    missing = {name: getattr(params, name) for name in ("question", "answer") if getattr(params, name) not in columns}
    missing |= {
        name: getattr(params, name)
        for name, usual in _OPTIONAL.items()
        if getattr(params, name) not in columns and getattr(params, name) != usual
    }
    if params.grader == "choice" and params.choices not in columns:
        missing["choices"] = params.choices
    if missing:
        wanted = ", ".join(f"{name} = {column!r}" for name, column in missing.items())
        raise InputError(f"{params.path} has no column for {wanted}; its columns are: {', '.join(columns)}")
    named = {name: getattr(params, name) for name in ("question", "answer", *_OPTIONAL)}
    _table.check(params.path, rows, list(named.values()), [named["choices"], named["passages"]])
    if params.grader == "math" and importlib.util.find_spec("math_verify") is None:
        raise InputError("grader = math needs the package math-verify; install it, or choose another grader")
    if params.id in columns:
        seen: dict[str, int] = {}
        for row, values in enumerate(rows, 1):
            name = _table.cell(params.path, row, values, params.id)
            if name in seen:
                raise _table.wrong(params.path, row, params.id, f"{name!r} was already the name of row {seen[name]}")
            seen[name] = row


def _problem(
    params: Params,
    rows: Sequence[_table.Row],
    place: int,
    shots: Sequence[tuple[str, str]],
    store: Mapping[str, Any],
    read: Mapping[str, Any],
) -> Problem:
    values, row, path = rows[place], place + 1, params.path
    text = _table.cell(path, row, values, params.question)
    reference = _reference(params, values, row)
    name = _table.cell(path, row, values, params.id) if params.id in values else f"row-{row}"
    options = _table.several(values.get(params.choices), "|") if params.grader == "choice" else ()
    fixed = params.model_dump(include=_GRADING)
    data = {
        **fixed,
        **read,
        "row": row,
        "question": text,
        "options": options,
        "passages": _table.several(values.get(params.passages), "\n\n"),
        "searchable": bool(store["passages"] or params.retriever),
        "acting": bool(params.tool or params.environment),
        "shots": tuple(shots),
    }
    cluster = values.get(params.cluster)
    shared = "" if cluster is None else str(cluster).strip()
    return Problem(
        task="dataset",
        problem_id=name,
        cluster_id=shared or name,  # an empty cell is no context that all such rows would share
        difficulty=_difficulty(params, values, row),
        text=text,
        reference=reference,
        data=MappingProxyType(data),
        world=store,
        truths=MappingProxyType(truths(data, reference)),
    )


def _difficulty(params: Params, values: _table.Row, row: int) -> float:
    if values.get(params.difficulty) in (None, ""):
        return 0.0
    given = values[params.difficulty]
    try:
        number = float(given)
    except (TypeError, ValueError):
        raise _table.wrong(params.path, row, params.difficulty, f"{given!r} is no number") from None
    if not math.isfinite(number):
        raise _table.wrong(
            params.path, row, params.difficulty, f"{given!r} orders nothing; give a number or leave it empty"
        )
    return number


def _reference(params: Params, values: _table.Row, row: int) -> str:
    """The right answer as it is graded: the letter of a choice, a plain number, a pattern that compiles, or a text."""
    given = _table.cell(params.path, row, values, params.answer)
    if params.grader == "number":
        try:
            return tidy_number(given)
        except ValueError:
            raise _table.wrong(params.path, row, params.answer, f"{given!r} {_NUMBERS}") from None
    if params.grader == "regex":
        try:
            re.compile(given)
        except re.error as error:
            raise _table.wrong(params.path, row, params.answer, f"{given!r} is no pattern: {error}") from error
    if params.grader == "choice":
        options = _table.several(values.get(params.choices), "|")
        if not 2 <= len(options) <= len(_LETTERS):
            raise _table.wrong(params.path, row, params.choices, f"has {len(options)} options; 2 to 26 are needed")
        if fault := blurred(options):
            raise _table.wrong(params.path, row, params.choices, fault)
        if given in options:
            return _LETTERS[options.index(given)]
        if given not in _LETTERS[: len(options)]:
            said = f"{given!r} is none of: {', '.join(options)}; give one of them, or its letter"
            raise _table.wrong(params.path, row, params.answer, said)
    return given


_NUMBERS = (
    "is no number that can be read in one way only; write it with a point (3.14), commas only between thousands "
    "(1,200), or as 1/2, 10^3 or 2e-5"
)


def _example(params: Params, values: _table.Row, row: int) -> tuple[str, str]:
    """A row as it is shown to completion models: the question with its options, and the answer."""
    options = _table.several(values.get(params.choices), "|") if params.grader == "choice" else ()
    asked = {"question": _table.cell(params.path, row, values, params.question), "options": options}
    return _text(asked, ()), _reference(params, values, row)


def question(problem: Problem, access: Access, format: Format) -> Question:
    """The problem rendered without its reference; its passages are shown where they are given.

    Its chain is one step: look the question up, answer from the passages found."""
    data = problem.data
    require("dataset", access, (*OFFERED, "environment") if data["acting"] else OFFERED)
    if access == "search" and not data["searchable"]:
        raise InputError(_NO_PASSAGES)
    passages: tuple[str, ...] = data["passages"] if access == "given" else ()
    think: Prompt | None = None
    if format == "chat":
        form = "the letter of the right option" if data["options"] else "the answer"
        reads: Reads = "text" if data["reads"] == "choice" else data["reads"]
        think = chat(f"{_text(data, passages)}\n{THINK} {form}.", reads, 2048)

    def ask(evidence: Sequence[str] | None) -> Prompt:
        return _answer(data, passages if evidence is None else tuple(evidence), format)

    steps = OneStep(problem.text, ask)
    text = _text(data, passages)
    return Question(problem.problem_id, "dataset", access, format, text, ask(None), think, MARK, steps)


_SEARCHING = frozenset({"search", "queries"})
_NO_PASSAGES = (
    "this dataset offers no search, since it has no passages; map a column to passages, name a retriever, or use given"
)


def _text(data: Mapping[str, Any], passages: Sequence[str]) -> str:
    options = "".join(f"\n{letter}: {option}" for letter, option in zip(_LETTERS, data["options"], strict=False))
    above = "\n".join(passages) + "\n\n" if passages else ""
    return f"{above}{data['question']}{options}"


def _answer(data: Mapping[str, Any], passages: Sequence[str], format: Format) -> Prompt:
    letters = tuple(_LETTERS[: len(data["options"])])
    reads: Reads = data["reads"]
    longer = 512 if reads == "block" else None
    if format == "chat":
        form = f"one letter only, out of: {', '.join(letters)}" if letters else "the answer only"
        return chat(f"{_text(data, passages)}\nReply with {form}.", reads, longer or 256, choices=letters)
    worked = "".join(f"Question: {asked}\n{MARK} {answer}\n\n" for asked, answer in data["shots"])
    above = "\n".join(passages) + "\n" if passages else ""
    asked = f"{worked}{above}Question: {_text(data, ())}\n{MARK}"
    return replace(line(asked, reads, longer or 64, choices=letters), stop=data["stop"])


def chance(problem: Problem) -> float:
    """One of the options; 0.0 where there are none."""
    return 1 / len(problem.data["options"]) if problem.data["options"] else 0.0


def constant(problems: Sequence[Problem]) -> str:
    """The most frequent reference."""
    return most_frequent(problems)


def search_tool(problem: Problem) -> SearchTool:
    """Your retriever, or BM25, over the passages of all rows; raises InputError if there is neither."""
    passages: tuple[str, ...] = problem.world["passages"]
    if problem.world["retriever"]:
        return own.OwnSearch(problem.world["retriever"], passages)
    if not passages:
        raise InputError(_NO_PASSAGES)
    return SentenceSearch(passages)


def environment(problem: Problem, format: Format) -> Environment:
    """Your environment, made from the question, or your tool; raises InputError if there is neither."""
    text = _text(problem.data, ())
    if problem.world["environment"]:
        return own.OwnEnvironment(own.world(problem.world["environment"], text), text, format)
    if problem.world["tool"]:
        return own.OwnEnvironment(own.ToolWorld(own.tool(problem.world["tool"])), text, format)
    raise refusal("dataset", "environment", OFFERED)
