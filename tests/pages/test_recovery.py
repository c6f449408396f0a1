"""The tabs of Compare that `test_compare_tabs` and `test_traps` leave out, on runs whose parameters say what must come
out: Curves, Allocate, Variance, Quality and Prices."""

import numpy as np
import pytest

from fourdials.theory.voting import coverage, majority_vote
from fourdials.ui import data
from tests.pages.opened import page, shown
from tests.pages.simulated import holds, simulated, table, unfolded


def test_curves_recover_votes_at_every_spend(home):
    """A vote of n costs one prompt and n replies, so the value at that many calls is Condorcet's."""
    simulated(home, "sim/solve=0.6,same=1", [{"strategy": "majority_vote", "levels": [1, 9]}], problems=300)
    rows = table(unfolded(page("compare", unit="calls")), "spend", "unanswered").set_index("spend")
    assert list(rows.index) == list(range(1, 10))
    assert all(holds(rows.loc[votes], float(majority_vote(0.6, votes))) for votes in rows.index)
    assert not holds(rows.loc[9], 0.6)


def test_allocation_recovers_what_uniform_checked_samples_are_worth(home):
    """With a checker that is never wrong, so many samples for everybody are worth their coverage."""
    levels = [1, 2, 4, 8]
    arm = {"strategy": "best_of_n", "levels": levels, "knobs": {"verifier": "checker"}}
    simulated(home, "sim/solve=0.4,spread=0.4", [arm], problems=150)
    rows = table(page("compare", tab="Allocate", unit="calls"), "policy", "budget", "spent", "unanswered")
    uniform = rows[rows["policy"] == "uniform"].sort_values("budget")
    assert list(uniform["spent"] / 150) == levels
    assert all(holds(row, float(coverage(0.4, k, 0.4))) for k, (_, row) in zip(levels, uniform.iterrows(), strict=True))
    bound = rows[rows["uses_truth"]].sort_values("budget").iloc[-1]
    assert holds(bound, float(coverage(0.4, 8, 0.4)))
    assert bound["spent"] < 0.6 * uniform["spent"].iloc[-1]  # as far, without the samples that change nothing


def test_variance_recovers_the_share_of_a_models_success(home):
    """Two models as alike in tokens as can be, right in 9 and in 4 of 10: the model explains (d/2)² / p(1 − p)."""
    arms = [{"name": str(p), "strategy": "single", "lineup": {"solver": f"sim/solve={p}"}} for p in (0.9, 0.4)]
    simulated(home, "sim/solve=0.5", arms, problems=300)
    app = page("compare", tab="Variance")
    rows = table(app, "factor", "measure", "value").set_index(["factor", "measure"])
    truth = 0.25**2 / (0.65 * 0.35)
    assert holds(rows.loc[("model", "alone")], truth)
    assert rows.loc[("tokens", "alone")]["high"] < truth / 2
    assert rows.loc[("architecture", "alone")]["value"] == 0


def test_quality_recovers_success_steps_and_the_cost_of_checking(home):
    """Steps that are right in 8 of 10 stay so at every place of the chain, and the chain is right in 0.8^length."""
    arms = [
        {"strategy": "stepwise", "levels": [4]},
        {"name": "checked", "strategy": "best_of_n", "levels": [4]},
    ]
    simulated(home, "sim/solve=0.6,step=0.8,format=completion", arms, problems=200, params={"lengths": [4]})
    app = page("compare", tab="Quality")
    rows = table(app, "arm", "measure", "value").set_index(["arm", "measure"])
    assert holds(rows.loc[("stepwise", "success")], 0.8**4)
    chain = table(app, "step", "value").set_index("step")
    assert list(chain.index) == [1, 2, 3, 4]
    assert all(holds(row, 0.8) for _, row in chain.iterrows())
    calls = data.store().frame("SELECT * FROM calls")
    spent = calls.with_columns(tokens=calls["prompt_tokens"] + calls["completion_tokens"])
    by = {key: frame["tokens"].sum() for (key,), frame in spent.filter(part="verifier").group_by("role")}
    mine = spent.filter(spent["trial_id"].str.contains("/checked/"))["tokens"].sum()
    assert rows.loc[("checked", "verification_cost")]["value"] == pytest.approx(by["verify"] / mine, rel=0.02)
    assert ("stepwise", "verification_cost") not in rows.index


def test_prices_recover_the_bill_of_another_model(home):
    """Dollars are the run's tokens at the rates of the row chosen, a trial each."""
    simulated(home, "sim/solve=0.6", [{"strategy": "majority_vote", "levels": [1, 4]}], problems=20)
    app = page("compare", tab="Prices")
    next(each for each in app.selectbox if each.label == "Prices of").set_value("openai/gpt-4.1-mini").run()
    [row] = table(app, "new_usd", "prompt_tokens").to_dict("records")
    bill = (
        data.store()
        .frame("SELECT sum(prompt_tokens)::DOUBLE AS p, sum(completion_tokens)::DOUBLE AS c FROM trials")
        .row(0)
    )
    assert row["new_usd"] == pytest.approx((bill[0] * 0.40 + bill[1] * 1.60) / 1e6)
    assert np.isnan(row["usd"])


def test_quality_measures_what_a_memory_holds_and_what_was_made_use_of(home):
    """Steps that are right in 7 of 10: a walk's transcript has an entry of each step, and wrong ones never held."""
    arms = [
        {"strategy": "subtask_tree", "levels": [3], "knobs": {"memory": "full"}},
        {"strategy": "single"},
    ]
    simulated(home, "sim/solve=0.6,step=0.7", arms, problems=150, params={"lengths": [3]})
    app = page("compare", tab="Quality")
    rows = table(app, "arm", "measure", "value").set_index(["arm", "measure"])
    assert holds(rows.loc[("subtask_tree", "memory_hygiene")], 0.7)  # two entries stand when the third step is taken
    assert ("single", "memory_hygiene") not in rows.index
    assert 0 < rows.loc[("single", "context_efficiency")]["value"] < 0.5
    by_arm = table(app, "arm", "memory entries").set_index("arm")["memory entries"]
    assert (by_arm["single"], by_arm["subtask_tree"]) == ("none kept", "2 (2 to 2)")


def test_fits_foretell_no_end_of_an_arm_that_has_come_to_its_own(home):
    """Votes until one answer is three ahead end by themselves: there is nothing left to tend to."""
    arms = [{"strategy": "first_to_ahead", "levels": [1, 3, 5, 7, 9, 63], "knobs": {"k": 3}}]
    simulated(home, "sim/solve=0.7,same=1", arms, problems=200)
    app = page("compare", tab="Fits", unit="calls")
    assert "tends to" not in table(app, "family", "wins").columns
    ended = next(each.value for each in app.text if "ended by themselves" in each.value)
    truth = 1 / (1 + (0.3 / 0.7) ** 3)  # of two answers the right one is three ahead first
    low, high = (float(end.strip("%( ")) / 100 for end in ended.split("(")[1].split(",")[0].split(" to "))
    assert low <= truth <= high


def test_what_keeps_results_from_being_read_in_is_said_on_every_page(home):
    broken = home / "imported" / "broken"
    app = page("start")
    assert "damaged" not in shown(app)
    broken.mkdir(parents=True)
    (broken / "experiments.parquet").write_bytes(b"PAR1")
    data.store().ingest()
    data.store().trouble = data.store()._damaged
    assert f"{broken.name} holds a damaged file" in shown(app.run())
