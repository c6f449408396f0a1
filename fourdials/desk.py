"""One trial as the engine holds it: its models and money, its journal and bill, and the world it reaches by asking.

`run` makes a desk for each trial, `ask` spends through it, `examiner` and `regrade` grade from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from fourdials import plugins, remembering
from fourdials.charges import Bill, Counter, Row
from fourdials.errors import BudgetExhausted, InputError
from fourdials.journal import Record
from fourdials.ledger import Paths, Purse
from fourdials.marking import Marks
from fourdials.records import Attempt, Format, Model, ModelRequest, Price, Trial
from fourdials.remembering import Remembered


class Sender(Protocol):
    """What the desk needs of a gateway; tests and the forecast bring their own."""

    async def send(self, request: ModelRequest, record: Callable[[Attempt], None]) -> Attempt:
        """Sends one request, tells `record` of each failed attempt, returns the one that succeeded."""


@dataclass(slots=True)
class Desk:
    """All that the calls of one trial share.

    Attributes:
        lineup: The model for each part.
        replayed: Successful rows of earlier journals by place, segments in order.
        unread: Finish reason of the last reply no answer could be read from, None after one that was read; of branches
            side by side the last in the order they are joined, whichever was done last.
        reread: True to read answers off replayed replies once more.
        held: Steps of each branch that was forked and not yet joined, in the order of forking: (kind, level, payload,
            time).
        offered: Levels and answers that were paid for and not yet judged, for a cap that leaves no time for more.
    """

    trial: Trial
    lineup: Mapping[str, Model]
    sender: Sender
    journal: Record
    purse: Purse
    price_rows: Sequence[Price]
    seed: int
    replayed: Mapping[tuple[str, int], list[Row]]
    paths: Paths = field(default_factory=Paths)
    bill: Bill = field(default_factory=Bill)
    marks: Marks = field(init=False)
    ballot: Callable[[str], str] = field(init=False)
    unread: str | None = None
    reread: bool = False
    remembered: Remembered = field(init=False)
    held: dict[str, list[tuple[str, int, Mapping[str, Any], float]]] = field(default_factory=dict)
    offered: list[tuple[int, str]] = field(default_factory=list)
    _read: dict[str, str | None] = field(default_factory=dict)
    _seq: int = 0
    _in_flight: set[asyncio.Future[None]] = field(default_factory=set)
    _closed: bool = False
    _steps: int = 0
    _environment: plugins.Environment | None = None
    _search_tool: Any = None

    def __post_init__(self) -> None:
        seen = (row["seq"] for rows in self.replayed.values() for row in rows)
        self._seq = max(seen, default=-1) + 1
        self.marks = Marks(self.task, self.trial.problem)
        self.ballot = plugins.ballot_of(self.task, self.trial.problem)
        tells = getattr(self.task, "evidence", None)
        self.remembered = Remembered(None if tells is None else tells(self.trial.problem))

    @property
    def counter(self) -> Counter:
        """What turning its attempts into rows needs."""
        return Counter(self.trial, self.price_rows, self.paths, self.ballot)

    @property
    def task(self) -> Any:
        """The task's module."""
        return plugins.tasks()[self.trial.problem.task]

    def place(self) -> str:
        """The trial without its experiment: what seeds hang on, so that a seed gives the same samples in any run."""
        return self.trial.trial_id.removeprefix(self.trial.experiment_id)

    def rng(self, path: str) -> random.Random:
        """The generator of one branch; each has its own, or side by side they would all draw the same."""
        return random.Random(f"{self.seed}:{self.place()}{path}")

    def next_seq(self) -> int:
        """The next number in the order of issue."""
        self._seq += 1
        return self._seq - 1

    def step(self, kind: str, level: int, payload: Mapping[str, Any], at: float | None = None) -> None:
        """Journals one step line, of now unless a time is given."""
        fields = {"trial_id": self.trial.trial_id, "seq": self._steps, "level": level, "kind": kind}
        self.journal.write("step", {**fields, "payload": payload, "at": time.time() if at is None else at})
        self._steps += 1

    def read(self, path: str, unread: str | None) -> None:
        """Notes whether the last reply of a branch could be read; see `unread`."""
        if path in self.held:
            self._read[path] = unread
        else:
            self.unread = unread

    def hold(self, path: str) -> None:
        """Holds what a branch has to tell until it is released."""
        self.held.setdefault(path, [])

    def release(self, path: str, into: str = "") -> None:
        """Hands what is held for a branch to another branch, or journals its steps if that one holds nothing."""
        steps = self.held.pop(path, [])
        if path in self._read:
            self.read(into, self._read.pop(path))
        if into in self.held:
            self.held[into] += steps
        else:
            for step in steps:
                self.step(*step)

    def environment(self, format: Format) -> plugins.Environment:
        """The trial's environment, made on first use."""
        if self._environment is None:
            self._environment = self.task.environment(self.trial.problem, format)
        return self._environment

    def search_tool(self) -> Any:
        """The problem's search tool, made on first use: an index over a long text takes a while."""
        if self._search_tool is None:
            self._search_tool = self.task.search_tool(self.trial.problem)
        return self._search_tool

    def store(self) -> plugins.Store:
        """The search tool, if its passages can be read by place; raises InputError if they cannot."""
        tool = self.search_tool()
        if not isinstance(tool, plugins.Store):
            raise InputError(f"the passages of {self.trial.problem.task} cannot be read by place, only searched")
        return tool

    def tells_truth(self) -> bool:
        """True if grades may be asked for while the strategy runs: by its checker, or to invent simulated replies."""
        strategy = plugins.strategies()[self.trial.arm.strategy]
        simulated = any(model.provenance == "simulated" for model in self.lineup.values())
        return simulated or strategy.uses_truth(self.trial.arm.knobs)

    def take(self, rows: Sequence[Row]) -> None:
        """Counts rows, fresh or replayed, into the paths and the bill; later calls are numbered after them."""
        for row in rows:
            self._seq = max(self._seq, row["seq"] + 1)
            self.bill.add(row)
            if row["error"] is None:
                self.paths.realised[row["call_id"]] = row["path_s"]
                self.paths.modelled[row["call_id"]] = row["modelled_path_s"]

    @contextlib.contextmanager
    def call(self) -> Iterator[None]:
        """Around each request, so that the end of the trial can wait for it."""
        if self._closed:
            raise BudgetExhausted("the trial has ended; a branch it left running may not go on")
        ended = asyncio.get_running_loop().create_future()
        self._in_flight.add(ended)
        try:
            yield
        finally:
            self._in_flight.discard(ended)
            ended.set_result(None)

    async def close(self) -> None:
        """Waits for the calls of branches that were left running when another failed: they are paid for as well. Then
        journals what branches that were never joined have to tell."""
        self._closed = True
        while self._in_flight:
            await asyncio.wait(self._in_flight)
        for path in list(self.held):
            self.release(path)

    def judge(self, level: int) -> None:
        """Journals what the trial kept in mind and made use of, as far as that is known; to be called as it ends."""
        found = self.remembered.judged()
        if found is not None:
            texts = found.pop("memory", None)
            kept = {} if texts is None else {"memory": [self.journal.text(text) for text in texts]}
            self.step(remembering.KIND, level, {**found, **kept})
