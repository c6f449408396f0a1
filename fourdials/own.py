"""People's own retrievers, tools and environments, named in an experiment file as `file.py:Name`.

Such a file is code of whoever wrote it, and runs with all the rights of the program. `check` reads it without running
it, for `spec`; only what plays a trial (`dataset.search_tool`, `dataset.environment`) loads it.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from fourdials.errors import InputError
from fourdials.grading import normal
from fourdials.records import Format, Message, Observation, Prompt

MARK = "Action:"
PROJECT = Path(__file__).resolve().parents[1]


class Retriever(Protocol):
    """Made once from the passages of the table; asked one query at a time. The same query must give the same texts."""

    def search(self, query: str, k: int) -> Sequence[str]:
        """At most `k` texts, best first."""


class World(Protocol):
    """Made from a question, once for each trial. The same actions must lead to the same observations.

    What is seen is an `Observation` (its prompt is not needed) or just its text. Where it lists `actions` only those
    are let through; else any line of text is.
    """

    def start(self) -> Observation | str:
        """What is seen before any action."""

    def step(self, action: str) -> Observation | str:
        """What is seen after an action."""


Tool = Callable[[str], str]  # called with what the model wrote, gives what it is shown


def place(named: str) -> tuple[Path, str]:
    """The file and the name in `file.py:Name`; a path is looked for from here, then from the program's folder.

    Raises InputError if it is written otherwise or there is no such file."""
    file, colon, name = named.rpartition(":")
    if not colon or not name.isidentifier() or not file.endswith(".py"):
        raise InputError(f"got {named!r}; write the file and the name in it, as my_search.py:MyRetriever")
    tried = [Path(file).expanduser(), PROJECT / file]
    found = next((path for path in tried if path.is_file()), None)
    if found is None:
        raise InputError(f"there is no file {file!r} (looked for {tried[0].absolute()}); give its path")
    return found.resolve(), name


def check(named: str) -> None:
    """Raises InputError if the file is missing, is no Python, or defines no such name. Runs nothing of it."""
    path, name = place(named)
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"{path} is not Python: {error}") from error
    defined = [n for node in tree.body for n in _names(node)]
    if name not in defined:
        raise InputError(f"{path} defines no {name!r}; it defines {', '.join(defined) or 'nothing'}")


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def load(named: str) -> Any:
    """The object a file defines under a name. Runs the file, at most once for each state of it.

    Raises InputError if it cannot be found; what the file itself raises passes."""
    check(named)
    path, name = place(named)
    return getattr(_module(path, path.stat().st_mtime_ns), name)


@lru_cache(maxsize=16)
def _module(path: Path, _changed: int) -> ModuleType:
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:12]
    spec = importlib.util.spec_from_file_location(f"own_{path.stem}_{digest}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and the like look their module up
    spec.loader.exec_module(module)
    return module


def world(named: str, question: str) -> World:
    """A new world of a person's class. Raises InputError if it is none, or lacks `start` or `step`."""
    made: World = _made("environment", named, question, needs=("start", "step"))
    return made


def tool(named: str) -> Tool:
    """A person's function. Raises InputError if it cannot be called with one text."""
    found: Tool = load(named)
    _check_call("tool", named, found, "a function of one text", "text")
    return found


def _made(parameter: str, named: str, given: Any, needs: Sequence[str]) -> Any:
    """What a person's class makes of one argument, with these methods."""
    found = load(named)
    _check_call(parameter, named, found, "a class made from one argument", given)
    made = found(given)
    if missing := [name for name in needs if not callable(getattr(made, name, None))]:
        raise InputError(f"{parameter} = {named!r} makes {made!r:.100}, which has no method {' and no '.join(missing)}")
    return made


def _check_call(parameter: str, named: str, found: Any, wanted: str, given: Any) -> None:
    if not callable(found):
        raise InputError(f"{parameter} = {named!r} is {found!r:.100}; it must be {wanted}")
    try:
        inspect.signature(found).bind(given)
    except TypeError as error:
        raise InputError(f"{parameter} = {named!r} cannot be called ({error}); it must be {wanted}") from None
    except ValueError:  # some built-in functions do not tell what they take
        return


class OwnSearch:
    """A person's retriever as the search tool of a problem."""

    def __init__(self, named: str, passages: tuple[str, ...]) -> None:
        self._named = named
        self._retriever, self._turn = _retriever(named, place(named)[0].stat().st_mtime_ns, passages)

    def search(self, query: str, k: int) -> list[str]:
        """What the retriever finds, at most `k` texts. Raises InputError if it gives anything but texts."""
        with self._turn:
            found = self._retriever.search(query, k)
        if not isinstance(found, list | tuple) or not all(isinstance(text, str) for text in found):
            raise InputError(f"retriever = {self._named!r}: search must return a list of texts; it gave {found!r:.200}")
        return list(found)[:k]


@lru_cache(maxsize=4)
def _retriever(named: str, _changed: int, passages: tuple[str, ...]) -> tuple[Retriever, threading.Lock]:
    """An index may be slow to build, so it is shared; a lock, since searches run in threads."""
    made: Retriever = _made("retriever", named, passages, needs=("search",))
    return made, threading.Lock()


class ToolWorld:
    """A tool as a world: a line `answer …` ends it, any other line goes to the tool."""

    def __init__(self, tool: Tool) -> None:
        self._tool = tool

    def start(self) -> str:
        """What the tool says of itself, and how to finish."""
        about = inspect.getdoc(self._tool) or "A tool."
        return f"{about}\nAn action is what to give to the tool, or the word answer and the answer."

    def step(self, action: str) -> Observation:
        """What the tool gives; who stops here answers with it."""
        word, _, rest = action.strip().partition(" ")
        if normal(word) == "answer":
            return Observation("Answered.", done=True, answer=rest.strip() or None)
        result = self._tool(action.strip())
        if not isinstance(result, str):
            name = getattr(self._tool, "__name__", repr(self._tool))
            raise InputError(f"tool {name}: a tool must give a text; it gave {result!r:.200}")
        return Observation(result, answer=result)


class OwnEnvironment:
    """A person's world as an environment: adds the prompts, with everything seen and done so far."""

    def __init__(self, world: World, question: str, format: Format) -> None:
        self._world, self._question, self._format = world, question, format
        self._story: list[str] = []
        self._now = Observation("")

    def start(self) -> Observation:
        """What is seen before any action."""
        self._story = []
        return self._shown(self._world.start())

    def step(self, action: str) -> Observation:
        """What is seen after an action; one that is not open changes nothing and never reaches the world."""
        open_ = {normal(each): each for each in self._now.actions}
        chosen = open_.get(normal(action)) if open_ else action
        if self._now.done or chosen is None:
            return replace(self._now, valid=False)
        self._story.append(f"{MARK} {chosen}")
        return self._shown(self._world.step(chosen))

    def _shown(self, seen: Observation | str) -> Observation:
        if isinstance(seen, str):
            seen = Observation(seen)
        if not isinstance(seen, Observation):
            raise self._wrong("must give an Observation or a text", seen)
        if not isinstance(seen.text, str) or not isinstance(seen.place, str):
            raise self._wrong("must give an Observation whose text and place are texts", seen)
        if isinstance(seen.actions, str) or not all(isinstance(action, str) for action in seen.actions):
            raise self._wrong("must give an Observation whose actions are a list of texts", seen.actions)
        self._story.append(seen.text)
        prompt = None if seen.done else self._prompt(seen.actions)
        self._now = replace(seen, prompt=prompt)
        return self._now

    def _wrong(self, rule: str, given: object) -> InputError:
        return InputError(f"environment {type(self._world).__name__}: start and step {rule}; they gave {given!r:.200}")

    def _prompt(self, actions: tuple[str, ...]) -> Prompt:
        told = "\n".join([self._question, *self._story])
        reads, key = "choice" if actions else "text", f"act:{len(self._story) // 2}"
        if self._format == "completion":
            text = f"{told}\n{MARK}"
            return Prompt(text=text, choices=actions, stop=("\n",), max_tokens=32, reads=reads, key=key)  # type: ignore[arg-type]
        form = f"one of: {', '.join(actions)}" if actions else "what you do"
        text = f"{told}\nWhat do you do next? End with a line `{MARK}` and {form}."
        turns = (Message("user", text),)
        return Prompt(messages=turns, choices=actions, max_tokens=256, reads=reads, mark=MARK, key=key)  # type: ignore[arg-type]
