"""What notebooks use: results opened from a home, a folder or a file, frames and figures alike, and small runs."""

import subprocess
import sys

import pytest
from polars.testing import assert_frame_equal

import fourdials as fd
from fourdials import estimate, plugins
from fourdials.errors import InputError, SpecError
from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.records import Checkpoint

SMALL = {
    "name": "Small",
    "seed": 2,
    "model": "sim/solve=0.7,format=completion",
    "tasks": [{"name": "graph_path", "problems": 12}],
    "arms": [{"strategy": "single"}, {"strategy": "majority_vote", "levels": [1, 3]}],
}


@strategy(dial="parallel", unit="samples", levels=(1,), source="this test")
async def once(question: Question, ask: Ask) -> Turns:
    """One greedy sample."""
    yield Checkpoint(0)
    reply = await ask(question.answer, role="solve", level=1, temperature=0.0)
    yield Checkpoint(1, reply.answer, final=True)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def results(home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOURDIALS_HOME", str(home))
        with fd.execute(SMALL, home) as held:
            yield held


def test_importing_it_loads_nothing_until_something_is_used():
    code = (
        "import sys, fourdials as fd; heavy = {'polars', 'duckdb', 'plotly', 'litellm', 'numpy'}\n"
        "assert not heavy & set(sys.modules)\nfd.open\n"
        "assert 'polars' in sys.modules\nassert 'litellm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_name_it_does_not_have_is_an_error_that_lists_what_it_has():
    with pytest.raises(AttributeError, match="Results, execute, open"):
        fd.nonsense  # noqa: B018
    from fourdials import plan  # modules are still found

    assert plan.__name__ == "fourdials.plan"


def test_a_small_run_gives_results_to_look_at(results):
    [run] = results.runs().iter_rows(named=True)
    assert (run["name"], run["status"], run["provenance"]) == ("Small", "finished", "simulated")
    assert results.newest() == run["experiment_id"]
    assert results.store.frame("SELECT count(*) FROM trials").item() == 24


def test_the_curve_is_the_estimate_of_the_query_s_rows(results):
    points = results.frame("curve_points", experiment_ids=[results.newest()], unit="calls")
    assert_frame_equal(results.points(unit="calls"), points)
    assert_frame_equal(results.curve(unit="calls"), estimate.curves(points))
    assert set(results.curve(arms=["single"])["arm"]) == {"single"}


def test_the_figure_shows_the_curve_and_says_that_it_is_simulated(results):
    figure = results.figure(unit="calls")
    rows = results.curve(unit="calls").filter(arm="majority_vote")
    [line] = [trace for trace in figure.data if trace.name == "majority_vote" and trace.mode == "lines"]
    assert list(line.y) == rows["value"].to_list()
    assert "Simulated" in figure.layout.title.subtitle.text
    assert len(results.figure(by_dial=True).layout.annotations) >= 4


def test_a_difference_is_paired_and_by_default_at_the_largest_budget_both_reach(results):
    reach = results.common_reach(["majority_vote", "single"], unit="calls")
    assert reach == 3.0  # one sample stays what it is when there is money for three
    found = results.difference("majority_vote", "single", unit="calls")
    assert found == estimate.paired_difference(results.points(unit="calls"), "majority_vote", "single", reach)
    assert results.difference("single", "majority_vote", unit="calls").value == -found.value
    with pytest.raises(InputError, match="'nobody'"):
        results.common_reach(["single", "nobody"])


def test_a_difference_between_arms_that_see_different_things_is_refused_unless_it_is_meant():
    arms = [{"strategy": "majority_vote", "levels": [1, 3]}, {"strategy": "retrieve", "levels": [1, 2]}]
    with fd.execute(SMALL | {"arms": arms}) as held:
        with pytest.raises(InputError, match=r"not the same problem: majority_vote can read all of it.*unlike=True"):
            held.difference("majority_vote", "retrieve")
        assert held.difference("majority_vote", "retrieve", unlike=True).n == 12
        titles = {note.text for note in held.figure().layout.annotations}
    assert {"all in the question", "seen by looking it up"} <= titles


def test_every_stored_sample_is_graded_for_resampling(results):
    raw = results.frame("pool_samples", experiment_ids=[results.newest()])
    samples = results.samples()
    assert raw["score"].null_count() > 0
    assert samples["score"].null_count() == 0
    assert samples.filter(raw["score"].is_not_null())["score"].to_list() == raw["score"].drop_nulls().to_list()


def test_recorded_trials_are_replayed_under_other_allocators(results):
    worth, savings = results.allocations(unit="calls", arms=["majority_vote"])
    assert {"uniform", "oracle"} <= set(worth["policy"])
    assert worth.filter(policy="uniform")["spent"].to_list() == [12.0, 36.0]  # 12 problems, 1 and 3 samples each
    assert "uniform" not in set(savings["policy"])


def test_a_run_is_saved_as_a_snapshot_and_opened_from_it_alone(results, tmp_path):
    content_id = results.save(tmp_path / "small.fourdials")
    assert len(content_id) == 64
    with fd.open(tmp_path / "small.fourdials") as copy:
        assert copy.runs()["provenance"].to_list() == ["recorded"]
        assert_frame_equal(copy.curve(), results.curve())
        folder = copy.store.home
    assert not folder.exists()


def test_a_run_is_saved_as_a_report(results, tmp_path):
    results.save(tmp_path / "small.html")
    assert "majority_vote" in (tmp_path / "small.html").read_text()
    with pytest.raises(InputError, match="ends in"):
        results.save(tmp_path / "small.pdf")


def test_a_home_is_opened_by_its_folder_and_by_default(results, home, tmp_path, monkeypatch):
    results.store.close()  # the fixture's own; both below open the same file
    with fd.open(home) as mine:
        assert "Small" in set(mine.runs()["name"])
        assert "Demonstration" in set(mine.runs()["name"])
        assert mine.newest() != mine.runs().filter(name="Demonstration")["experiment_id"][0]
    monkeypatch.setenv("FOURDIALS_HOME", str(tmp_path))
    with fd.open() as empty:
        assert "Demonstration" in set(empty.runs()["name"])
        assert empty.runs()["recorded"].all()


def test_a_file_that_is_not_there_or_no_snapshot_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no"):
        fd.open(tmp_path / "none.fourdials")
    (tmp_path / "bad.fourdials").write_text("nothing")
    with pytest.raises(InputError, match=r"bad\.fourdials"):
        fd.open(tmp_path / "bad.fourdials")


async def test_a_strategy_of_one_s_own_runs_beside_an_event_loop_and_is_forgotten_afterwards():
    arms = [{"strategy": "once"}, {"strategy": "single"}]
    with fd.execute({**SMALL, "arms": arms}, strategies=[once]) as held:
        scores = held.store.frame("SELECT arm, avg(score) AS score FROM trials GROUP BY arm ORDER BY arm")
        assert scores["arm"].to_list() == ["once", "single"]
        assert scores["score"][0] == scores["score"][1]  # both take the same greedy sample
    assert "once" not in plugins.strategies()


def test_a_strategy_may_not_take_the_name_of_another():
    async def single(question: Question, ask: Ask) -> Turns:
        """Nothing."""
        yield Checkpoint(0)

    declared = strategy(dial="parallel", unit="samples", levels=(1,), source="this test")(single)
    with pytest.raises(InputError, match="'single' already"):
        fd.execute(SMALL, strategies=[declared])


def test_mistakes_of_an_experiment_come_all_at_once():
    with pytest.raises(SpecError, match="2 mistakes"):
        fd.execute({**SMALL, "allocator": "nobody", "tasks": [{"name": "nothing"}]})
