"""The engine's side of `plugins.Ask`: what a strategy spends becomes journaled calls and steps, reserved and charged.

One `Desk` serves one trial; `Branch` is what the strategy holds. A call that an earlier journal already holds is
answered from there, matched by its place (branch, index) and its request's hash. Built by `run`, for each trial.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fourdials import plugins
from fourdials.charges import Order, Row, failed_row, journaled, reread, reservation, rows_of, spent
from fourdials.desk import Desk
from fourdials.errors import BudgetExhausted, Diverged, InputError
from fourdials.ledger import Amount
from fourdials.marking import beside
from fourdials.prompting import BEGUN
from fourdials.records import Attempt, Format, ModelRequest, Observation, Prompt, Reply, Role


class Branch:
    """What a strategy holds: implements `plugins.Ask` for one branch of one trial."""

    def __init__(self, desk: Desk, path: str = "", waits_for: tuple[str, ...] = ()) -> None:
        self.format: Format = desk.lineup["solver"].format
        self.levels = desk.trial.levels
        self.rng = desk.rng(path)
        self._desk = desk
        self._path = path
        self._waits_for = waits_for
        self._index = 0
        self._checks = 0

    async def __call__(
        self,
        prompt: Prompt,
        *,
        role: Role,
        level: int,
        probe: bool = False,
        temperature: float = 0.0,
        part: str = "solver",
        after: Sequence[Reply] | None = None,
        shared: int | None = None,
    ) -> Reply:
        """See `plugins.Ask`."""
        parents = self._waits_for if after is None else tuple(reply.call_id for reply in after)
        order = self._order(prompt, role, (level,), temperature, part, probe, parents)
        [rows] = await self._fulfil(replace(order, shared=shared))
        reply = self._reply(prompt, rows)
        if not probe:  # nothing but an answer ever depends on a probe
            self._waits_for = (reply.call_id,) if after is None else (*self._waits_for, reply.call_id)
        return reply

    async def samples(
        self,
        prompt: Prompt,
        *,
        role: Role,
        levels: Sequence[int],
        temperature: float,
        part: str = "solver",
        after: Sequence[Reply] | None = (),
    ) -> list[Reply]:
        """See `plugins.Ask`."""
        parents = self._waits_for if after is None else tuple(reply.call_id for reply in after)
        order = self._order(prompt, role, tuple(levels), temperature, part, False, parents)
        replies = [self._reply(prompt, rows) for rows in await self._fulfil(order)]
        self._index = order.start + len(replies)
        before = () if after is None else self._waits_for  # whoever waits for these then waits for those before, too
        self._waits_for = (*before, *(reply.call_id for reply in replies))
        return replies

    async def thought(
        self,
        prompt: Prompt,
        *,
        role: Role,
        budgets: Sequence[int],
        temperature: float,
        levels: Sequence[int] | None = None,
    ) -> list[Reply]:
        """See `plugins.Ask`."""
        prompt, entered = replace(prompt, max_tokens=budgets[-1]), tuple(levels or budgets)
        order = self._order(prompt, role, (entered[0],), temperature, "solver", False, self._waits_for)
        [rows] = await self._fulfil(replace(order, cuts=tuple(budgets), cut_levels=entered))
        self._waits_for = (rows[-1]["call_id"],)
        heads = [rows[: 1 + sum(row["level"] <= level for row in rows[1:])] for level in entered]
        return [self._reply(prompt, head) for head in heads]

    async def search(self, query: str, *, level: int, k: int) -> list[str]:
        """See `plugins.Ask`."""
        desk = self._desk
        found: list[str] = await beside(desk.task, lambda: desk.search_tool().search(query, k))
        self._found({"query": query, "k": k}, found, level)
        return found

    async def size(self) -> int:
        """See `plugins.Ask`."""
        return self._desk.store().size

    async def read(self, start: int, stop: int, *, level: int) -> list[str]:
        """See `plugins.Ask`."""
        found = self._desk.store().read(start, stop)
        self._found({"query": f"lines {start + 1} to {start + len(found)}", "k": len(found)}, found, level)
        return found

    def _found(self, asked: Mapping[str, Any], found: Sequence[str], level: int) -> None:
        passages = [self._desk.journal.text(passage) for passage in found]
        self._tell("search", level, {**asked, "passages": passages})
        self._desk.bill.searches += 1

    async def look(self) -> Observation:
        """See `plugins.Ask`."""
        desk = self._desk
        seen: Observation = await beside(desk.task, lambda: desk.environment(self.format).start())
        self._tell("look", 0, self._seen(seen))
        return seen

    async def step(self, action: str, *, level: int) -> Observation:
        """See `plugins.Ask`."""
        desk = self._desk
        seen: Observation = await beside(desk.task, lambda: desk.environment(self.format).step(action))
        told = {"action": action, "valid": seen.valid, "done": seen.done, **self._seen(seen)}
        self._tell("env_step", level, told)
        self._desk.bill.env_steps += 1
        return seen

    def _seen(self, seen: Observation) -> dict[str, Any]:
        text = self._desk.journal.text
        place = {"place": text(seen.place)} if seen.place else {}
        return {"observation": text(seen.text), "actions": seen.actions, **place}

    def check(self, answer: str, *, level: int, reliability: float = 1.0, begun: bool = False) -> bool:
        """See `plugins.Ask`."""
        desk, arm = self._desk, self._desk.trial.arm
        if not plugins.strategies()[arm.strategy].uses_truth(arm.knobs):
            raise InputError(f"{arm.name} asks a checker that knows the truth; declare `uses_truth` for these knobs")
        right = desk.marks.sound(answer) if begun else desk.marks.known(answer).outcome == "correct"
        # A generator of its own: a check must not move the strategy's, nor depend on what was drawn there.
        drawn = random.Random(f"check:{desk.seed}:{desk.place()}:{self._path}:{self._checks}").random()
        self._checks += 1
        said = right if drawn < reliability else not right
        self._tell("check", level, {"answer": answer, "says_right": said, "reliability": reliability})
        return said

    def offer(self, answer: str | None, *, level: int) -> None:
        """See `plugins.Ask`."""
        if answer is not None:
            self._desk.offered.append((level, answer))

    def able(self, feature: str, part: str = "solver") -> bool:
        """See `plugins.Ask`."""
        return self._desk.lineup[part].capabilities.get(feature) == "yes"

    def note(self, kind: str, *, level: int, **payload: Any) -> None:
        """See `plugins.Ask`."""
        if kind == "memory" and (texts := payload.pop("texts", None)) is not None:
            self._desk.remembered.memory = tuple(texts)
            payload.setdefault("entries", len(texts))
        self._tell(kind, level, payload)

    def _tell(self, kind: str, level: int, payload: Mapping[str, Any]) -> None:
        """A step; of a branch it is held until the branch is joined, since branches are done in any order."""
        held = self._desk.held.get(self._path)
        if held is None:
            self._desk.step(kind, level, payload)
        else:
            held.append((kind, level, payload, time.time()))

    def fork(self, name: str) -> Branch:
        """See `plugins.Ask`."""
        branch = Branch(self._desk, f"{self._path}/{name}", self._waits_for)
        self._desk.hold(branch._path)
        return branch

    def join(self, *branches: Branch) -> None:
        """See `plugins.Ask`."""
        for branch in branches:
            self._desk.release(branch._path, self._path)
        self._waits_for = tuple(dict.fromkeys(call for branch in branches for call in branch._waits_for))

    def _order(
        self,
        prompt: Prompt,
        role: Role,
        levels: tuple[int, ...],
        temperature: float,
        part: str,
        probe: bool,
        parents: tuple[str, ...],
    ) -> Order:
        start = self._index
        self._index += len(levels)
        model = self._desk.lineup[part]
        return Order(model, part, prompt, role, temperature, levels, probe, self._path, start, parents)

    async def _fulfil(self, order: Order) -> list[list[Row]]:
        """The rows of each sample, replayed where the journal has them, the rest asked in as few requests as can be.

        Where the budget ends on the way, the rows of the samples before that; BudgetExhausted if there are none.
        """
        found: dict[int, list[Row]] = {}
        for offset in range(len(order.levels)):
            rows = self._desk.replayed.get((order.path, order.start + offset))
            if rows:
                found[offset] = self._replay(order, rows)
        missing = [offset for offset in range(len(order.levels)) if offset not in found]
        size = order.model.samples_per_request if order.model.capabilities.get("n") == "yes" else 1
        groups = [missing[i : i + size] for i in range(0, len(missing), size)]
        asked = [self._as_many_as_fit(order, group, found) for group in groups]
        faults = [fault for fault in await asyncio.gather(*asked, return_exceptions=True) if fault is not None]
        first = next((offset for offset in range(len(order.levels)) if offset not in found), len(order.levels))
        for fault in faults:
            if first == 0 or not isinstance(fault, BudgetExhausted):
                raise fault
        self._desk.remembered.shown(order.prompt, sum(bool(rows[0]["prompt_tokens"]) for rows in found.values()))
        if self._desk.tells_truth():
            await self._desk.marks.foresee([rows[-1]["extracted"] for rows in found.values()])
        return [found[offset] for offset in range(first)]

    async def _as_many_as_fit(self, order: Order, group: Sequence[int], found: dict[int, list[Row]]) -> None:
        """Asks for a group of samples in one request, or in ever smaller ones where the budget lacks the room."""
        try:
            found.update(zip(group, await self._request(order, group), strict=True))
        except BudgetExhausted:
            if len(group) == 1:
                raise
            half = (len(group) + 1) // 2
            await self._as_many_as_fit(order, group[:half], found)
            await self._as_many_as_fit(order, group[half:], found)

    def _replay(self, order: Order, rows: list[Row]) -> list[Row]:
        if rows[0]["request_hash"] != order.hash:
            raise Diverged(
                f"call {rows[0]['call_id']} asks something else than the journal holds: a prompt, a knob or the code "
                "was changed since; start a new run (`run --again`) instead of resuming this one"
            )
        rows = reread(order.prompt, rows) if self._desk.reread else rows
        self._desk.purse.charge(spent(rows))  # the trial's alone: the experiment's was charged as the run began
        self._desk.take(rows)
        return rows

    async def _request(self, order: Order, offsets: Sequence[int]) -> list[list[Row]]:
        with self._desk.call():
            return await self._send(order, offsets)

    async def _send(self, order: Order, offsets: Sequence[int]) -> list[list[Row]]:
        desk, request = self._desk, self._model_request(order, offsets)
        call_ids = [f"{desk.trial.trial_id}#{order.path}:{order.start + offset}" for offset in offsets]
        reserved = reservation(request, desk.price_rows)
        await desk.purse.reserve(reserved)
        cost = Amount()
        started = {"call_ids": call_ids, "trial_id": desk.trial.trial_id, "at": time.time()}
        try:
            desk.journal.write("started", started)
            seqs = [desk.next_seq() for _ in offsets]

            def failed(attempt: Attempt) -> None:
                call_id = f"{call_ids[0]}!{seqs[0]}.{attempt.number}"
                row = failed_row(desk.counter, order, offsets[0], call_id, seqs[0], attempt)
                desk.take([row])
                desk.journal.write("calls", {"rows": [journaled(desk.journal, row, request)]})

            attempt = await desk.sender.send(request, failed)
            samples = rows_of(desk.counter, order, offsets, call_ids, seqs, attempt)
            everything = [row for rows in samples for row in rows]
            desk.take(everything)
            cost = spent(everything)
            truth = self._truth(order) if order.role == "step" else None
            rows = [journaled(desk.journal, row, request, truth) for row in everything]
            desk.journal.write("calls", {"rows": rows})
        finally:
            await asyncio.shield(desk.purse.settle(reserved, cost))
        return samples

    def _model_request(self, order: Order, offsets: Sequence[int]) -> ModelRequest:
        place = f"{self._desk.seed}:{self._desk.place()}:{order.path}:{order.start + offsets[0]}"
        simulated = order.model.provenance == "simulated"
        return ModelRequest(
            model=order.model,
            prompt=order.prompt,
            role=order.role,
            n=len(offsets),
            temperature=order.temperature,
            seed=int.from_bytes(hashlib.sha256(place.encode()).digest()[:4], "big") >> 1,
            token_texts=bool(order.cuts),
            truth=self._truth(order) if simulated else None,
        )

    def _truth(self, order: Order) -> str | None:
        problem = self._desk.trial.problem
        if order.role == "verify":
            kind, _, answer = order.prompt.key.partition(":")
            choices = order.prompt.choices
            yes, no = choices if len(choices) == 2 else ("yes", "no")  # one alone is asked for its probability
            marks = self._desk.marks
            return yes if (marks.sound(answer) if kind == BEGUN else marks.right(answer)) else no
        return problem.truths.get(order.prompt.key)

    def _reply(self, prompt: Prompt, rows: Sequence[Row]) -> Reply:
        """A reply from the rows of one sample: one row, or the segments of a thought up to a cut."""
        text, last = "".join(row["reply"] for row in rows), rows[-1]
        answer = last["extracted"]
        if prompt.reads != "nothing":
            self._desk.read(self._path, None if answer is not None else last["finish_reason"])
        counts = [row["completion_tokens"] for row in rows]
        tokens = None if None in counts else sum(counts)
        return Reply(text, answer, last["call_id"], last["finish_reason"], tokens, rows[0].get("logprob"))
