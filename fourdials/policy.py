"""Advice → a policy that a service can use without Four Dials: a small TOML file and a router of a few lines.

Called by the command line and the Allocate tab of Compare. The router needs nothing but Python 3.11's own library.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomlkit

from fourdials import query
from fourdials.advise import Advice, advise
from fourdials.errors import InputError
from fourdials.replay import recorded
from fourdials.store import Store

ROUTER = '''"""Which strategy a request gets, how far it may go, and whether its votes suffice to stop.

Made by Four Dials. Needs only Python 3.11 or newer and the .toml of the same name beside it.
"""

import json
import math
import sys
import tomllib
from pathlib import Path

POLICY = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def route(task=""):
    """The arm for a task: strategy, level, knobs, line-up. A task without a row of its own gets the default."""
    return POLICY.get("routes", {}).get(task, POLICY["default"])


def enough(votes):
    """True if the leading answer is sure to be ahead: P(Beta(a + 1, b + 1) > 1/2) for a against b votes is enough."""
    confidence = POLICY.get("stopping", {}).get("confidence")
    if confidence is None or not votes:
        return False
    leader, second = [*sorted((int(count) for count in votes.values()), reverse=True), 0][:2]
    n = leader + second + 1
    return sum(math.comb(n, i) for i in range(leader + 1)) / 2**n >= confidence


if __name__ == "__main__":
    print(json.dumps(route(*sys.argv[1:2])))
'''


def export_policy(
    store: Store,
    experiment_id: str,
    file: Path,
    budget: float,
    unit: str = "total_tokens",
    *,
    tasks: Sequence[str] | None = None,
    confidence: float | None = None,
    seed: int = 0,
) -> Advice:
    """Asks the advisor and writes its answer as `file` (TOML) and a router of the same name ending in `.py`.

    Args:
        store: Where the run is.
        experiment_id: The run.
        file: The TOML file to write; its folder is made if absent.
        budget: Spend per problem in `unit`.
        unit: total_tokens, usd or calls.
        tasks: Only these tasks; None for all.
        confidence: If given, the router's `enough` stops a vote once its leader is ahead with this probability.
        seed: Of the advisor's split and bootstrap.

    Returns:
        The advice the files were made from. Tasks have routes of their own where routing was worth it.

    Raises:
        InputError: The data do not suffice (the message is the advisor's reason), or `file` does not end in `.toml`.
    """
    if file.suffix != ".toml":
        raise InputError(f"{file}: a policy is a .toml file; the router goes beside it as .py")
    if confidence is not None and not 0.5 < confidence < 1:
        raise InputError(f"a confidence of {confidence:g} makes no sense; it must lie between 0.5 and 1")
    advice = advise(recorded(store, [experiment_id], unit, tasks), budget, seed=seed)
    if advice.choice is None:
        raise InputError(f"no policy can be advised: {advice.reason}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(as_toml(store, experiment_id, advice, budget, unit, confidence), encoding="utf-8")
    file.with_suffix(".py").write_text(ROUTER, encoding="utf-8")
    return advice


def as_toml(
    store: Store, experiment_id: str, advice: Advice, budget: float, unit: str, confidence: float | None = None
) -> str:
    """The policy's TOML text, made from advice that has a choice; arguments as in `export_policy`."""
    arms = {row["arm"]: row for row in query.run(store, "arms", experiment_ids=[experiment_id]).to_dicts()}
    default = advice.table.filter(advice.table["chosen"]).row(0, named=True)
    data: dict[str, Any] = {
        "made_from": {"experiment": experiment_id, "budget_per_problem": budget, "unit": unit, "sure": advice.sure},
        "default": _route(default, arms),
    }
    if advice.routing is not None and advice.routing.worth_it:
        data["routes"] = {row["task"]: _route(row, arms) for row in advice.routes.to_dicts()}
    if confidence is not None:
        data["stopping"] = {"confidence": confidence}
    return tomlkit.dumps(data)


def _route(row: dict[str, Any], arms: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A row of the advisor's table as a service needs it, with what it was measured to be worth."""
    arm = arms[row["arm"]]
    return {
        "arm": row["arm"],
        "strategy": arm["strategy"],
        "level": row["level"],
        "unit": arm["unit"],
        "knobs": _present(json.loads(arm["knobs"])),
        "lineup": json.loads(arm["lineup"]),
        "measured": {name: row[name] for name in ("value", "low", "high", "n", "method", "spend")},
    }


def _present(knobs: dict[str, Any]) -> dict[str, Any]:
    """Without knobs that are not set, which TOML cannot say."""
    return {name: value for name, value in knobs.items() if value is not None}
