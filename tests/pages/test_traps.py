"""The traps that flatter curves, each set on a simulated run: a tab's numbers hold the truth, and the plausible
mistake, worked out beside them from the same run, does not."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from fourdials import regrade
from fourdials.estimate import pool, wilson
from fourdials.theory.voting import coverage, majority_vote
from fourdials.ui import data
from tests.pages.opened import page, shown
from tests.pages.simulated import holds, simulated, table, unfolded

AHEAD = 3
QUICK = {"strategy": "first_to_ahead", "levels": [1, 3, 5, 7, 9, 15], "knobs": {"k": AHEAD}}
EQUAL = [{"name": f"equal {i}", "strategy": "majority_vote", "levels": [1]} for i in range(24)]
COIN = "sim/solve=0.5,same=1"


def walk(p: float, votes: int) -> tuple[float, float]:
    """Votes between two answers, until one is ahead or there were so many: how often the leader is then right, and how
    often it goes on, by the walk of the lead. An odd number of votes leaves no tie."""
    open_, right = {0: 1.0}, 0.0
    for _ in range(votes):
        moved: dict[int, float] = {}
        for lead, chance in open_.items():
            for step, part in ((1, p), (-1, 1 - p)):
                moved[lead + step] = moved.get(lead + step, 0.0) + chance * part
        right += moved.pop(AHEAD, 0.0)
        moved.pop(-AHEAD, None)
        open_ = moved
    return right + sum(chance for lead, chance in open_.items() if lead > 0), sum(open_.values())


def mixed(p: float, spread: float, votes: int) -> float:
    """`walk` over problems whose own rates are Beta-distributed, as the simulated models' `spread` makes them."""
    size, cells = (1 - spread) / spread, 2000
    rates = (np.arange(cells) + 0.5) / cells
    weights = rates ** (p * size - 1) * (1 - rates) ** ((1 - p) * size - 1)
    return float(np.average([walk(rate, votes)[0] for rate in rates], weights=weights))


def test_quick_finishers_stay_in_the_curve_where_they_stopped(home):
    """Easy problems are settled by three votes. Who only counts those still at it, or only those done, is far off."""
    simulated(home, "sim/solve=0.6,spread=0.3,same=1", [QUICK], problems=600, seed=25)
    rows = table(unfolded(page("compare", unit="calls")), "spend", "unanswered").set_index("spend")
    for votes in (3, 5, 7, 9):
        assert holds(rows.loc[votes], mixed(0.6, 0.3, votes)), votes
    points = data.frame("curve_points", experiment_ids=["run"], unit="calls")
    stopped = points.group_by("unit_id").agg(pl.col("max_spend").first(), score=pl.col("gain").sum())
    going, done = (stopped.filter(late)["score"].mean() for late in (pl.col("max_spend") > 5, pl.col("max_spend") <= 5))
    assert going < rows.loc[5]["low"] < rows.loc[5]["high"] < done


def test_a_curve_of_capped_trials_is_cut_off_and_no_plateau(home):
    """Where caps end many votes early the curve ends: going on with what they had so far would be a plateau of caps."""
    p, votes = 0.65, [1, 2, 3, 4, 5, 6, 7, 9, 17, 33]
    arms = [{"strategy": "majority_vote", "levels": votes}]
    caps = {"total_tokens": {"low": 300, "high": 900}}
    simulated(home, f"sim/solve={p},same=1", arms, trial_budget=caps, problems=300)
    rows = table(unfolded(page("compare", unit="level")), "spend", "censored").set_index("spend")
    known = rows[~rows["censored"]]
    assert 3 <= known.index.max() < 17
    assert all(holds(known.loc[k], float(majority_vote(p, k))) for k in known.index)
    assert rows.index.max() > 17
    assert not holds(rows.iloc[-1], float(majority_vote(p, rows.index.max())))  # what trials had when their caps came
    fitted = table(page("compare", tab="Fits", unit="level"), "spend", "fitted")
    assert fitted["spend"].max() <= known.index.max()


def test_winners_curse_the_frontiers_best_of_many_equal_arms_is_held_by_its_band(home):
    """Twenty-four arms are one coin each. The luckiest one's own interval leaves the truth out; its band does not."""
    simulated(home, COIN, EQUAL, problems=100, seed=4)
    rows = table(page("compare", tab="Frontier"), "arm", "level", "value", "low")
    best = rows.sort_values("value").iloc[-1]
    assert wilson(best["value"], best["n"]).low > 0.5
    assert all(holds(row, 0.5) for _, row in rows.iterrows())
    said = shown(page("compare", tab="Frontier", score="55"))
    assert "so more problems would make it surer" in said or "No point is likely" in said


def test_winners_curse_the_advisor_reports_on_problems_it_did_not_choose_on(home):
    """The half that chose saw a lucky coin; the half it is reported on sees a coin."""
    simulated(home, COIN, EQUAL, problems=100, seed=4)
    rows = table(page("compare", tab="Allocate"), "arm", "value", "value_where_chosen", "chosen")
    chosen = rows[rows["chosen"]].iloc[0]
    assert chosen["value_where_chosen"] == rows["value_where_chosen"].max()
    assert wilson(chosen["value_where_chosen"], 100 - chosen["n"]).low > 0.5
    assert holds(chosen, 0.5)
    assert chosen["value"] < chosen["value_where_chosen"]


def test_difficulty_leakage_bins_of_equal_problems_score_alike(home):
    """Every problem is the same coin. Bins scored by the samples that sorted them would lie at 0.31 and 0.69."""
    simulated(home, COIN, [{"strategy": "majority_vote", "levels": [8]}], problems=200)
    rows = table(page("compare", tab="Difficulty", bins="2"), "bin", "value").set_index("bin")
    assert holds(rows.loc[1], 0.5)
    assert holds(rows.loc[2], 0.5)
    # Four samples a problem, the problems sorted by how many of them are right: what leaking them would have shown.
    counts, low = binom.pmf(np.arange(5), 4, 0.5), 0.0
    for right, chance in enumerate(counts):
        low += right / 4 * min(chance, max(0.0, 0.5 - counts[:right].sum())) / 0.5
    assert low == pytest.approx(0.3125)
    assert not holds(rows.loc[1], low)
    assert not holds(rows.loc[2], 1 - low)


def test_adaptive_stopping_no_pool_is_made_of_votes_that_stopped_when_they_agreed(home):
    """Of votes that stop once they agree, the easy problems have few: their coverage would be another one."""
    arms = [{"strategy": "majority_vote", "levels": [1, 16]}, {"strategy": "adaptive_vote", "levels": [16]}]
    simulated(home, "sim/solve=0.7,spread=0.5,same=1", arms, problems=200)
    app = page("compare", tab="Sample once")
    assert app.selectbox(key="linked.pool").options == ["majority_vote"]
    assert "cannot serve as a pool: it stopped adaptively" in shown(app)
    rows = table(app, "kind", "k").set_index(["kind", "k"])
    for k in (1, 2, 4, 8):
        assert holds(rows.loc[("coverage", k)], float(coverage(0.7, k, 0.5)))
    samples = data.frame("pool_samples", experiment_ids=["run"], arms=["adaptive_vote"])
    samples = pool.graded(samples, regrade.grades_without_calls(data.store(), "run"))
    # Over these samples as they stand, problems weigh by how long they were in doubt.
    assert not holds(rows.loc[("coverage", 1)], samples["score"].mean())
