"""What a request cost, as rows of `calls`: one per sample, one per cut of a thought, one per failed attempt.

Called by `ask`, which journals the rows. Prompt tokens are charged once per request, on its first sample's row.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from fourdials import prices
from fourdials.grading import extract
from fourdials.journal import Record
from fourdials.ledger import Amount, Paths, estimate_tokens, modelled_seconds
from fourdials.records import Attempt, Model, ModelRequest, Price, Prompt, Role, Trial, Usage

Row = dict[str, Any]
_UNKNOWN = (
    *("reply", "extracted", "ballot", "finish_reason", "logprob", "usage"),
    *("prompt_tokens", "cached_tokens", "cache_write_tokens", "completion_tokens", "reasoning_tokens"),
    *("usd", "usd_paid", "path_s", "modelled_path_s"),
)


@dataclass(frozen=True, slots=True)
class Counter:
    """What turning an attempt into rows needs to know of its trial; `paths` grows with every row."""

    trial: Trial
    price_rows: Sequence[Price]
    paths: Paths
    ballot: Callable[[str], str]

    def read(self, order: Order, text: str) -> Row:
        """The answer in a reply, and what it says as a vote if it answers the question."""
        answer = extract(order.prompt, text)
        ballot = self.ballot(answer) if answer is not None and order.role == "solve" else None
        return {"extracted": answer, "ballot": ballot}


@dataclass(frozen=True, slots=True)
class Order:
    """One or more samples of one prompt, at consecutive places of one branch from `start` on.

    `levels` has the level of each sample, `parents` the calls all of them wait for, `cuts` the budgets at which a
    thought is cut (then there is one sample), and `cut_levels` the level that each cut belongs to. `shared` is the
    number of questions it is made for before any is known, None if it is made for this one.
    """

    model: Model
    part: str
    prompt: Prompt
    role: Role
    temperature: float
    levels: tuple[int, ...]
    probe: bool
    path: str
    start: int
    parents: tuple[str, ...]
    cuts: tuple[int, ...] = ()
    shared: int | None = None
    cut_levels: tuple[int, ...] = ()

    @property
    def hash(self) -> str:
        """Identifies what is asked, apart from its place and seed."""
        prompt, model = self.prompt, self.model
        shown = [[message.role, message.content] for message in prompt.messages] or prompt.text
        asked: list[Any] = [model.id, model.api_base, shown, prompt.choices, prompt.stop, prompt.max_tokens]
        asked += [prompt.effort] if prompt.effort else []
        asked += [{"shared": self.shared}] if self.shared else []
        asked += [[prompt.discouraged, prompt.bias]] if prompt.bias else []
        return hashlib.sha256(orjson.dumps([*asked, self.role, self.temperature, self.cuts])).hexdigest()[:16]


@dataclass(slots=True)
class Bill:
    """Everything a trial paid, failed attempts apart; a sum is None once a part of it is unknown."""

    calls: int = 0
    failed_attempts: int = 0
    prompt_tokens: int | None = 0
    cached_tokens: int | None = 0
    completion_tokens: int | None = 0
    reasoning_tokens: int | None = 0
    usd: float | None = 0.0
    searches: int = 0
    env_steps: int = 0

    def add(self, row: Row) -> None:
        """Adds one row of `calls`."""
        if row["error"] is not None:
            self.failed_attempts += 1
            return
        self.calls += row["segment"] == 0
        for unit in ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens", "usd"):
            known, more = getattr(self, unit), row[unit]
            setattr(self, unit, None if known is None or more is None else known + more)


def spent(rows: Sequence[Row]) -> Amount:
    """What rows of `calls` cost against a budget; unknown tokens and prices count as nothing."""
    return Amount(
        sum((row["prompt_tokens"] or 0) + (row["completion_tokens"] or 0) for row in rows),
        sum(row["usd"] or 0.0 for row in rows),
        sum(row["segment"] == 0 for row in rows),
    )


def reservation(request: ModelRequest, price_rows: Sequence[Price]) -> Amount:
    """The most a request may cost: its prompt, estimated with care, and every sample at full length."""
    prompt = estimate_tokens(request.prompt.shown, len(request.prompt.messages))
    completion = request.n * request.reply_tokens
    usage = Usage(prompt_tokens=prompt, completion_tokens=completion)
    usd = prices.list_price(request.model.id, usage, time.time(), price_rows)
    return Amount(prompt + completion, usd or 0.0, request.n)


def _base_row(counter: Counter, order: Order, offset: int, call_id: str, seq: int, attempt: Attempt) -> Row:
    return {
        "call_id": call_id,
        "experiment_id": counter.trial.experiment_id,
        "trial_id": counter.trial.trial_id,
        "seq": seq,
        "request_id": call_id,
        "path": order.path,
        "idx": order.start + offset,
        "segment": 0,
        "parents": list(order.parents),
        "role": order.role,
        "part": order.part,
        "model": order.model.id,
        "route": order.model.provider,
        "level": order.levels[offset],
        "probe": order.probe,
        "shared": order.shared,
        "request_hash": order.hash,
        "attempt": attempt.number,
        "started_at": attempt.started_at,
        "latency_s": attempt.latency_s,
        "queued_s": attempt.queued_s,
        "error": attempt.error,
    }


def failed_row(counter: Counter, order: Order, offset: int, call_id: str, seq: int, attempt: Attempt) -> Row:
    """The row of a failed attempt: nothing is known of what it cost."""
    return {
        **_base_row(counter, order, offset, call_id, seq, attempt),
        **dict.fromkeys(_UNKNOWN),
        "usage_estimated": False,
    }


def rows_of(
    counter: Counter,
    order: Order,
    offsets: Sequence[int],
    call_ids: Sequence[str],
    seqs: Sequence[int],
    attempt: Attempt,
) -> list[list[Row]]:
    """The rows of each sample of a successful attempt. The prompt is charged once, on the first sample's row."""
    whole = attempt.samples[0].usage
    result = []
    for i, (offset, call_id, seq, sample) in enumerate(zip(offsets, call_ids, seqs, attempt.samples, strict=True)):
        usage = sample.usage if i == 0 else _without_prompt(sample.usage)
        own = replace(whole, completion_tokens=sample.usage.completion_tokens)
        row = _base_row(counter, order, offset, call_id, seq, attempt) | {
            "request_id": call_ids[0],
            "reply": sample.text,
            **counter.read(order, sample.text),
            "finish_reason": sample.finish_reason,
            "logprob": sample.logprob,
            "usage": attempt.raw_usage if i == 0 else None,
            **_counted(counter, order.model, usage, attempt.started_at),
            "usd_paid": None if attempt.usd_paid is None else attempt.usd_paid if i == 0 else 0.0,
        }
        # What was made before the question came has ended by then: nobody waits for it.
        seconds = (0.0, 0.0) if order.shared else (attempt.latency_s, modelled_seconds(order.model, own))
        counter.paths.add(call_id, order.parents, *seconds)
        row |= {"path_s": counter.paths.realised[call_id], "modelled_path_s": counter.paths.modelled[call_id]}
        result.append(_cut(counter, order, row, usage, sample.tokens) if order.cuts else [row])
    return result


def reread(prompt: Prompt, rows: Sequence[Row]) -> list[Row]:
    """The rows of one sample with their answers read off the replies once more, by today's rules."""
    texts = ["".join(row["reply"] for row in rows[: i + 1]) for i in range(len(rows))]
    return [row | {"extracted": extract(prompt, text)} for row, text in zip(rows, texts, strict=True)]


def _without_prompt(usage: Usage) -> Usage:
    return replace(usage, prompt_tokens=0, cached_tokens=0, cache_write_tokens=0)


def _counted(counter: Counter, model: Model, usage: Usage, at: float) -> Row:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "completion_tokens": usage.completion_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "usage_estimated": usage.estimated,
        "usd": prices.list_price(model.id, usage, at, counter.price_rows),
    }


def _cut(counter: Counter, order: Order, row: Row, usage: Usage, tokens: tuple[str, ...] | None) -> list[Row]:
    """A thought's row as one row per budget it reaches, each with the tokens that belong to it.

    Where the route gives no token texts, the reply is cut in proportion to its characters and marked estimated.
    """
    total = usage.completion_tokens if usage.completion_tokens is not None else estimate_tokens(row["reply"])
    ends = [min(cut, total) for cut in order.cuts]
    ends = [end for i, end in enumerate(ends) if i == 0 or end > ends[i - 1]]
    rows: list[Row] = []
    text_start = 0
    for i, end in enumerate(ends):
        begin = ends[i - 1] if i else 0
        last = i == len(ends) - 1
        text_end = len(row["reply"]) if last else _text_length(row["reply"], tokens, end, total)
        own = replace(usage, completion_tokens=end - begin, estimated=usage.estimated or tokens is None)
        if i:
            own = replace(_without_prompt(own), reasoning_tokens=0)
        call_id = row["call_id"] if i == 0 else f"{row['call_id']}~{i}"
        share = (end - begin) / total if total else 1.0
        piece = (
            row
            | _counted(counter, order.model, own, row["started_at"])
            | {
                "call_id": call_id,
                "segment": i,
                "level": order.cut_levels[i],
                "parents": row["parents"] if i == 0 else [rows[-1]["call_id"]],
                "reply": row["reply"][text_start:text_end],
                **counter.read(order, row["reply"][:text_end]),
                "finish_reason": row["finish_reason"] if last else "length",
                "usage": row["usage"] if i == 0 else None,
                "usd_paid": row["usd_paid"] if i == 0 or row["usd_paid"] is None else 0.0,
                "latency_s": row["latency_s"] * share,
            }
        )
        modelled = modelled_seconds(order.model, own)
        if i and modelled is not None:
            modelled -= order.model.overhead_s
        counter.paths.add(call_id, piece["parents"], piece["latency_s"], modelled)
        piece |= {"path_s": counter.paths.realised[call_id], "modelled_path_s": counter.paths.modelled[call_id]}
        rows.append(piece)
        text_start = text_end
    return rows


def _text_length(text: str, tokens: tuple[str, ...] | None, end: int, total: int) -> int:
    if tokens is not None:
        return min(len(text), sum(len(token) for token in tokens[:end]))
    return round(len(text) * end / total) if total else len(text)


def journaled(journal: Record, row: Row, request: ModelRequest, truth: str | None = None) -> Row:
    """The row with its request in the journal's compact form: long texts by reference.

    `truth` is the right reply where the task has one for what is asked; it is written down for estimates, and nothing
    that answers or decides ever sees it.
    """
    prompt = request.prompt
    parts = [[message.role, journal.text(message.content)] for message in prompt.messages]
    return row | {
        "request": {
            "format": prompt.format,
            "parts": parts or [["text", journal.text(prompt.text)]],
            "temperature": request.temperature,
            "max_tokens": prompt.max_tokens,
            "seed": request.seed,
            "choices": prompt.choices,
            "stop": prompt.stop,
            **({"discouraged": prompt.discouraged, "bias": prompt.bias} if prompt.bias else {}),
            **({} if truth is None else {"truth": truth}),
        }
    }
