"""Recorded trials made by hand or played by a simulated model, for replays and the advisor."""

from fourdials import replay, worker
from fourdials.records import Checkpoint
from fourdials.replay import RecordedTrial
from fourdials.store import Store


def trial(problem, stops, *, arm="a", task="toy", block=None, levels=(1, 2, 4), price=10.0, reason="max_level", **row):
    """A trial whose stops are (level, answer, score[, detail]); each level costs `price`, in a request of its own."""
    made = {
        "trial_id": f"{task}/{problem}/{arm}",
        "task": task,
        "problem_id": str(problem),
        "cluster_id": str(problem),
        "difficulty": 1.0,
        "arm": arm,
        "dial": "parallel",
        "repeat": 0,
        "block": problem if block is None else block,
        "nested": True,
        "max_level": levels[-1],
        "levels": list(levels),
        "stop_reason": reason,
        "uses_truth": False,
        **row,
    }
    found = RecordedTrial(made)
    for level, answer, score, *detail in stops:
        found.checkpoints.append(Checkpoint(level, answer, detail=detail[0] if detail else {}))
        found.scores.append(score)
        found.outcomes.append("correct" if score else "wrong")
        found.spends.append(price * level)
    last = stops[-1][0] if stops else 0
    found.requests = [([level], [price], [0.0]) for level in range(1, last + 1)]
    return found


def simulated(home, model, strategy, *, problems=80, levels=(1, 2, 3, 4, 6, 8, 12, 16), unit="calls", **settings):
    """Every trial of one arm on a simulated model, taken to its largest level."""
    arms = [{"strategy": strategy, "levels": list(levels), **settings}]
    tasks = [{"name": "wikiworld", "problems": problems, "params": {"questions_per_world": 1}}]
    made = worker.create({"name": "S", "seed": 5, "model": model, "tasks": tasks, "arms": arms}, home)
    worker.work(made, lambda kind, fields: None, home)
    store = Store(home, recorded=home / "none")
    store.ingest()
    try:
        return replay.recorded(store, [made], unit)
    finally:
        store.close()
