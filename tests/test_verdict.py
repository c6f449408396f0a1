"""From runs in the database to verdicts: what counts, which run speaks, and how intervals are read."""

import pytest

from fourdials import verdict, weighing
from fourdials.estimate import Estimate
from fourdials.store import Store
from fourdials.verdict import NOT_REPRODUCED, NOT_RUN, REPRODUCED, UNDECIDED, UNTESTABLE, Check
from tests.ledger_rows import Ledger

CLAIMS = ["C1", *(f"C{i}" for i in range(2, 9)), "C8b", *(f"C{i}" for i in range(9, 24))]


def measured(low, high, n=100):
    return Estimate((low + high) / 2, low, high, n, n, "made up")


def cascade_run(experiment_id, problems, origin="real", claims=("C3",), created_at=1000.0):
    """A run with votes of two models: one more vote always helps."""
    spec = {"name": "By hand", "claims": list(claims)}
    made = Ledger(
        experiment_id,
        created_at,
        spec=spec,
        provenance=origin,
        simulated=origin == "simulated",
        planned_trials=2 * problems,
    )
    for name, model in (("a", "model/a"), ("b", "model/b")):
        made.arm(name, lineup={"solver": model})
    for i in range(problems):
        made.problem(f"p{i}")
    for i in range(problems):
        for name in ("a", "b"):
            trial = made.trial_id(f"p{i}", name)
            made.call(trial, level=1)
            made.call(trial, level=2)
            made.checkpoint(trial, 0, 1, 0.0)
            made.checkpoint(trial, 1, 2, 1.0)
            made.trial(f"p{i}", name, block=i, score=1.0, model=f"model/{name}")
    made.status("finished")
    return made


def store_of(tmp_path, *ledgers):
    for each in ledgers:
        each.write(tmp_path)
    store = Store(tmp_path, recorded=tmp_path / "none")
    store.ingest()
    return store


def test_every_claim_has_its_file_and_stands_in_order():
    assert list(verdict.claims()) == CLAIMS
    for claim in verdict.claims().values():
        told = (
            claim.title,
            claim.headline,
            claim.source,
            claim.counts,
            claim.established,
            claim.contested,
            claim.untestable,
        )
        assert all(text.strip() == text and len(text) > 5 for text in told), claim.id


def test_experiment_files_name_the_claims_they_test():
    files = verdict.experiments()
    assert files["C1"] == ("c01_one_long_chain", "rivers_c01_one_long_chain")
    assert "c08_adaptive_allocation" in files["C20"]
    assert [claim for claim, stems in files.items() if not stems] == ["C23"]


def test_a_real_run_that_names_a_claim_gives_its_verdict(tmp_path):
    store = store_of(tmp_path, cascade_run("run", 30))
    found = weighing.findings(store)["C3"]["real"]
    assert (found.outcome, found.n, found.models) == (REPRODUCED, 30, ("model/a", "model/b"))
    assert found.experiments == ("run",)
    assert found.checks[0].low > 0
    assert weighing.findings(store)["C3"]["scale model"].outcome == NOT_RUN
    assert weighing.findings(store)["C1"]["real"].outcome == NOT_RUN
    store.close()


@pytest.mark.parametrize("origin", ["simulated", "scale model"])
def test_simulated_runs_count_for_nothing_and_scale_models_for_their_own_column(tmp_path, origin):
    store = store_of(tmp_path, cascade_run("run", 30, origin))
    found = weighing.findings(store)["C3"]
    assert found["real"].outcome == NOT_RUN
    assert found["scale model"].outcome == (REPRODUCED if origin == "scale model" else NOT_RUN)
    assert all("simulated" not in columns for columns in weighing.findings(store).values())
    store.close()


def test_the_run_with_most_problems_speaks_and_the_others_are_listed(tmp_path):
    small, large = cascade_run("small", 12, created_at=3000.0), cascade_run("large", 20)
    store = store_of(tmp_path, small, large)
    found = weighing.findings(store)["C3"]["real"]
    assert found.experiments == ("large", "small")
    assert (found.n, found.others) == (20, (REPRODUCED,))
    store.close()


def test_a_run_that_lacks_what_the_claim_needs_says_so(tmp_path):
    store = store_of(tmp_path, cascade_run("run", 30, claims=("C1",)))
    found = weighing.findings(store)["C1"]["real"]
    assert found.outcome == UNTESTABLE
    assert "chain_of_thought" in found.reasons[0]
    store.close()


def test_a_run_that_names_no_claim_is_no_evidence(tmp_path):
    store = store_of(tmp_path, cascade_run("run", 30, claims=()))
    assert all(found["real"].outcome in (NOT_RUN, UNTESTABLE) for found in weighing.findings(store).values())
    store.close()


@pytest.mark.parametrize(
    ("low", "high", "outcome"), [(0.01, 0.2, REPRODUCED), (-0.2, -0.01, NOT_REPRODUCED), (-0.1, 0.2, UNDECIDED)]
)
def test_above_reads_the_whole_interval(low, high, outcome):
    assert verdict.above("it leads", measured(low, high)).outcome == outcome
    mirrored = verdict.below("it trails", measured(-high, -low), 0.0)
    assert mirrored.outcome == outcome


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [(-0.02, 0.02, REPRODUCED), (0.05, 0.09, NOT_REPRODUCED), (-0.01, 0.04, UNDECIDED), (-0.2, 0.2, UNDECIDED)],
)
def test_equivalence_needs_the_interval_within_the_margin(low, high, outcome):
    assert verdict.within("they are alike", measured(low, high), 0.03).outcome == outcome


def test_non_inferiority_allows_a_small_loss_only():
    assert verdict.not_worse("as good", measured(-0.02, 0.01), 0.03).outcome == REPRODUCED
    assert verdict.not_worse("as good", measured(-0.05, 0.01), 0.03).outcome == UNDECIDED


def test_the_n_that_would_settle_it_follows_from_the_width_of_the_interval():
    # se = 0.2 / 1.96 at n = 100; (1.96 + 0.8416) · se / 0.05 = 5.718, squared times 100.
    check = verdict.above("it leads", measured(-0.15, 0.25))
    assert check.needed == 3270
    assert verdict.above("it leads", measured(-0.1, 0.1)).needed is None  # no difference seen: no n would do
    assert verdict.above("it leads", measured(0.1, 0.2)).needed is None


def test_a_claim_is_reproduced_only_if_all_its_checks_are():
    checks = {outcome: Check("said", outcome) for outcome in (REPRODUCED, NOT_REPRODUCED, UNDECIDED)}
    assert verdict.conclude([checks[REPRODUCED]]) == REPRODUCED
    assert verdict.conclude([checks[REPRODUCED], checks[UNDECIDED]]) == UNDECIDED
    assert verdict.conclude([checks[REPRODUCED], checks[UNDECIDED], checks[NOT_REPRODUCED]]) == NOT_REPRODUCED


def test_what_is_only_shown_decides_nothing_and_a_part_that_cannot_be_tested_is_said():
    held, failed = Check("said", REPRODUCED, n=9), Check("said", NOT_REPRODUCED, n=9)
    part, beside = verdict.untested("the rest: why not"), verdict.shown("beside it", measured(-0.2, -0.1))
    assert verdict.conclude([held, beside]) == REPRODUCED
    assert verdict.conclude([beside, part]) == UNTESTABLE
    assert verdict.conclude([part, failed, held]) == NOT_REPRODUCED
    assert verdict.conclude([held, part]) == REPRODUCED
    assert verdict.conclude([beside, part, held]) == UNTESTABLE, "the first is what the claim is about"
    whole = verdict.Finding("C1", "real", REPRODUCED, checks=(beside, held))
    assert (whole.told, whole.leading) == (REPRODUCED, held)
    partly = verdict.Finding("C1", "real", REPRODUCED, checks=(part, beside, held))
    assert (partly.told, partly.leading) == ("reproduced, in part", held)
    beaten = verdict.Finding("C1", "real", NOT_REPRODUCED, checks=(part, held, failed))
    assert (beaten.told, beaten.leading) == (NOT_REPRODUCED, failed)
    assert verdict.Finding("C1", "real", UNTESTABLE).leading is None


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [(0.01, 0.2, REPRODUCED), (0.005, 0.02, REPRODUCED), (-0.04, 0.02, NOT_REPRODUCED), (-0.04, 0.05, UNDECIDED)],
)
def test_a_gain_that_must_be_tiny_is_none(low, high, outcome):
    assert verdict.gains("it gains", measured(low, high), 0.03).outcome == outcome


def acting_run(experiment_id, view, right, problems=120):
    """A run in rivers seen one way: `act` is right at once with so many problems, the best of several actions never."""
    spec = {"name": experiment_id, "claims": ["C4"]}
    made = Ledger(experiment_id, 1000.0, spec=spec, provenance="scale model", planned_trials=2 * problems)
    arms = {"walk": ("act", {}), "vote": ("act_best_of_n", {"candidates": 4})}
    for name, (strategy, knobs) in arms.items():
        made.arm(name, strategy=strategy, dial="interaction", access="environment", knobs=knobs)
    for i in range(problems):
        made.problem(f"1-{i}-{view}", cluster_id=f"1-{i}")
    for i in range(problems):
        for name in arms:
            trial = made.trial_id(f"1-{i}-{view}", name)
            made.call(trial, level=1)
            score = float(i < right * problems) if name == "walk" else 0.0
            made.checkpoint(trial, 0, 1, score)
            made.trial(f"1-{i}-{view}", name, block=i, score=score, cluster_id=f"1-{i}")
    made.status("finished")
    return made


def test_two_runs_that_are_each_one_side_of_a_claim_are_read_together(tmp_path):
    runs = acting_run("hidden", "hidden", 0.6), acting_run("shown", "shown", 0.0, problems=100)
    store = store_of(tmp_path, *runs)
    found = weighing.findings(store)["C4"]["scale model"]
    assert (found.experiments, found.others) == (("hidden", "shown"), (REPRODUCED,))
    assert (found.outcome, [check.n for check in found.checks]) == (REPRODUCED, [120, 100, 120, 100])
    store.close()


def test_a_run_of_a_file_that_named_no_claim_yet_counts_for_those_it_names_now(tmp_path):
    before = verdict.spec.load(verdict.EXPERIMENTS / "demonstration.toml") | {"model": "model/b"}
    named = before.pop("claims")
    same, oftener, other = (cascade_run(name, 12) for name in ("same", "oftener", "other"))
    same.lines[0]["spec"] = before
    oftener.lines[0]["spec"] = before | {"repeats": 7}
    other.lines[0]["spec"] = before | {"trial_budget": {"total_tokens": 7}}
    store = store_of(tmp_path, same, oftener, other)
    found = weighing.runs_by_claim(store)
    assert {row["experiment_id"] for row in found[named[0]]} == {"same", "oftener"}
    store.close()


def test_a_run_with_trials_to_come_settles_nothing_and_says_where_it_points(tmp_path):
    growing = cascade_run("growing", 40)
    growing.lines[0]["planned_trials"] = 100
    store = store_of(tmp_path, cascade_run("done", 30), growing)
    found = weighing.findings(store)["C3"]["real"]
    assert (found.experiments, found.others) == (("growing", "done"), (REPRODUCED,))
    assert (found.outcome, found.told, found.interim) == (UNDECIDED, "undecided at this n, interim", True)
    assert found.reasons == ("Trials of this run are still to come; so far: reproduced.",)
    store.close()
