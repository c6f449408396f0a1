"""The Run page: three questions, a forecast, every mistake at once, and a run followed while it goes."""

from dataclasses import replace

import pytest

from fourdials import plugins, worker
from fourdials.models import catalogue
from fourdials.ui import data, draft
from tests.pages.opened import page, shown
from tests.scripted import Script, arm, experiment, play


@pytest.fixture
def launched(monkeypatch):
    """What would have been started, instead of starting it."""
    started = []
    monkeypatch.setattr(worker, "launch", lambda data, root=None: started.append(data) or "run")
    return started


def by(elements, label):
    return next(each for each in elements if label in each.label)


def start(app):
    return by(app.button, "Start the run")


def test_the_form_asks_three_things_and_forecasts_before_the_button(home):
    app = page("run")
    said = shown(app)
    assert [box.label for box in app.selectbox[:2]] == ["Which task?", "Which model?"]
    assert "How much in all?" in [number.label for number in app.number_input]
    assert "Could tell apart" in said
    assert "points" in said
    assert not start(app).disabled


def test_one_problem_is_previewed_with_its_prompt_and_its_answer(home):
    app = page("run")
    question, prompt, answer = (code.value for code in app.code[:3])
    assert question.endswith("?")
    assert len(prompt) > len(question)
    assert len(answer) < 30


def with_language_model(app):
    """The form for the language model and a task in words; it begins with the scale model and its own task."""
    by(app.selectbox, "Which task?").set_value("wikiworld").run()
    assert by(app.selectbox, "Which model?").value == catalogue.DEFAULT_LOCAL
    return app


def test_the_form_begins_with_the_scale_model_on_its_task_and_comes_back_to_it(home, launched):
    app = page("run")
    begun = by(app.selectbox, "Which task?").value, by(app.selectbox, "Which model?").value
    assert begun == ("rivers", "local/rivers-roles")
    start(app).click().run()
    app = with_language_model(page("run"))
    by(app.selectbox, "Which task?").set_value("rivers").run()
    assert by(app.selectbox, "Which model?").value == begun[1]
    start(app).click().run()
    first, second = launched
    assert first["arms"] == second["arms"]
    assert {row["strategy"] for row in first["arms"]} >= {"majority_vote", "chain_of_thought", "retrieve", "act"}
    assert first["tasks"][0]["params"] == second["tasks"][0]["params"] != {}


def test_starting_launches_the_experiment_with_one_strategy_per_dial_and_an_equal_split(home, launched):
    app = with_language_model(page("run"))
    by(app.toggle, "Also ask every problem once").set_value(True).run()
    start(app).click().run()
    [data] = launched
    assert [row["strategy"] for row in data["arms"]] == ["single", "majority_vote", "stepwise", "retrieve", "act"]
    own = [row["share"] for row in data["arms"][1:]]
    assert max(own) - min(own) < 1e-5
    assert sum(row["share"] for row in data["arms"]) == pytest.approx(1)
    assert data["budget"] == {"total_tokens": 400_000}
    assert data["tasks"][0]["problems"] > 10


def test_a_larger_budget_pays_for_more_problems(home, launched):
    app = page("run")
    by(app.number_input, "How much in all?").set_value(50_000).run()
    start(app).click().run()
    app = page("run")
    start(app).click().run()
    assert launched[0]["tasks"][0]["problems"] < launched[1]["tasks"][0]["problems"]


def test_models_that_cannot_be_used_are_not_offered_and_say_what_they_lack(home, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    app = page("run")
    offered = by(app.selectbox, "Which model?").options
    assert not any("GPT" in label for label in offered)
    assert r"OPENAI\_API\_KEY" in shown(app)


@pytest.mark.parametrize(("model", "wrong"), [("sim/solve=0.7", False), ("no such model", True)])
def test_any_other_model_can_be_named_and_a_wrong_name_is_a_mistake(filled, launched, monkeypatch, model, wrong):
    data = {"name": "x", "model": model, "tasks": [{"name": "wikiworld"}], "arms": [{"strategy": "majority_vote"}]}
    monkeypatch.setattr(worker, "read_spec", lambda name, root=None: data)
    app = page("run", experiment="run")
    by(app.button, "Duplicate and edit").click().run()
    assert by(app.selectbox, "Which model?").value == model
    assert start(app).disabled is wrong
    assert ("no model is called" in app.error[0].value) if wrong else not app.error


def test_a_run_with_a_strategy_that_is_not_here_cannot_be_edited_but_harms_nothing(filled, monkeypatch):
    data = {"name": "x", "tasks": [{"name": "wikiworld"}], "arms": [{"strategy": "telepathy"}]}
    monkeypatch.setattr(worker, "read_spec", lambda name, root=None: data)
    app = page("run", experiment="run")
    by(app.button, "Duplicate and edit").click().run()
    assert "telepathy" in app.toast[0].value
    assert not app.exception


def test_every_mistake_is_shown_and_nothing_is_lost(home, launched):
    app = with_language_model(page("run"))
    by(app.text_input, "Levels (samples)").set_value("8, 4").run()
    by(app.text_input, "Levels (steps)").set_value("0").run()
    by(app.text_input, "Name of the run").set_value("").run()
    assert start(app).disabled
    assert "name" in app.error[0].value
    by(app.text_input, "Name of the run").set_value("mine").run()
    assert "2 things to put right" in app.error[0].value
    assert by(app.text_input, "Levels (samples)").value == "8, 4"
    by(app.text_input, "Levels (samples)").set_value("4 8").run()
    by(app.text_input, "Levels (steps)").set_value("1, 2").run()
    start(app).click().run()
    assert launched[0]["name"] == "mine"
    assert launched[0]["arms"][0]["levels"] == [4, 8]


def test_levels_that_are_no_numbers_are_a_mistake_not_a_crash(home):
    app = page("run")
    by(app.text_input, "Levels (samples)").set_value("many").run()
    assert "give whole numbers" in app.error[0].value
    assert start(app).disabled


def test_knobs_come_from_the_strategys_own_description(home, launched):
    app = page("run")
    passages = by(app.number_input, "Passages")
    passages.set_value(4).run()
    start(app).click().run()
    arms = {row["strategy"]: row for row in launched[0]["arms"]}
    assert arms["retrieve"]["knobs"] == {"passages": 4}
    assert "knobs" not in arms["act"]


def test_all_can_go_to_one_dial(home, launched):
    app = page("run")
    app.segmented_control(key="run.split").set_value("search").run()
    start(app).click().run()
    assert [row["strategy"] for row in launched[0]["arms"]] == ["retrieve"]
    assert sum(row["share"] for row in launched[0]["arms"]) == pytest.approx(1)


def test_custom_parts_sum_to_the_whole_and_zero_leaves_an_arm_out(home, launched):
    app = with_language_model(page("run"))
    by(app.toggle, "Also ask every problem once").set_value(True).run()
    app.segmented_control(key="run.split").set_value("custom").run()
    for slider, value in zip(list(app.slider), (30, 10, 0, 20), strict=True):
        slider.set_value(value)
    app.run()
    start(app).click().run()
    arms = launched[0]["arms"]
    assert [row["strategy"] for row in arms] == ["single", "majority_vote", "stepwise", "act"]
    assert sum(row["share"] for row in arms) == pytest.approx(1)
    assert arms[1]["share"] == pytest.approx(3 * arms[2]["share"], rel=1e-3)


def test_what_was_entered_survives_a_visit_to_another_page(home):
    app = page("run")
    by(app.text_input, "Name of the run").set_value("kept").run()
    by(app.number_input, "Repeats").set_value(3).run()
    app.switch_page("pages/start.py").run()
    app.switch_page("pages/run.py").run()
    assert by(app.text_input, "Name of the run").value == "kept"
    assert by(app.number_input, "Repeats").value == 3


def test_a_run_can_be_duplicated_and_edited(filled, launched, monkeypatch):
    model = "sim/default"
    data = {
        "name": "first",
        "seed": 7,
        "model": model,
        "tasks": [{"name": "wikiworld", "problems": 9}],
        "arms": [{"strategy": "majority_vote", "levels": [1, 2], "knobs": {"temperature": 1.1}}],
    }
    monkeypatch.setattr(worker, "read_spec", lambda name, root=None: data)
    assert catalogue.missing(catalogue.resolve(model)) is None
    app = page("run", experiment="run")
    by(app.button, "Duplicate and edit").click().run()
    assert not app.exception
    start(app).click().run()
    [again] = launched
    assert again["name"] == "first (copy)"
    assert again["tasks"] == data["tasks"]
    assert again["arms"] == data["arms"]
    assert (again["seed"], again["model"]) == (7, model)


def test_a_finished_run_shows_what_it_spent_and_its_curves(filled):
    app = page("run", experiment="run")
    said = shown(app)
    assert "30 of 30 trials" in said or app.get("progress")
    assert "finished" in said
    assert len(app.get("bidi_component")) == 1
    assert "Stop" not in [button.label for button in app.button]
    assert "Resume" not in [button.label for button in app.button]


def test_an_interrupted_run_can_be_resumed(partial, monkeypatch):
    asked = []
    monkeypatch.setattr(worker, "resume", lambda name, retry_errors: asked.append((name, retry_errors)))
    app = page("run", experiment="run")
    assert "interrupted" in shown(app)
    by(app.button, "Resume").click().run()
    assert asked == [("run", False)]
    assert "starting" in shown(app)


def test_a_stopped_run_that_was_resumed_is_followed_before_its_first_new_status_has_landed(home, monkeypatch):
    """Its worker prints that it is running before the store has taken that in: a page must not stop looking then."""
    play(home / "runs" / "run", experiment([arm("single")], problems=3), Script(), stop_after=1)
    states = [worker.WorkerState(True, 0, None), worker.WorkerState(False, None, None)]
    data.asked_for_worker("run")
    (home / "runs" / "run" / "worker.log").write_text("running\n")
    monkeypatch.setattr(worker, "state", lambda name, root=None: states[0])
    assert data.run_state("run", "stopped", None).state == "starting"
    assert data.run_state("run", "running", None).state == "running"
    assert data.run_state("run", "stopped", None).state == "stopped"
    monkeypatch.setattr(worker, "state", lambda name, root=None: states[1])
    data.asked_for_worker("run")
    (home / "runs" / "run" / "worker.log").write_text("error: no model\n")
    assert data.run_state("run", "stopped", None).state == "stopped"


def test_errors_are_counted_by_kind(home):
    from fourdials.errors import Unreachable

    def fail(request):
        raise Unreachable("nobody there")

    play(home / "runs" / "run", experiment([arm("single")], problems=3), Script(fail=fail))
    app = page("run", experiment="run")
    listed = app.dataframe[0].value
    assert "Unreachable" in set(listed["kind"])
    assert "ended by an error" in shown(app)


def test_resuming_a_failed_run_asks_again_where_calls_failed(home, monkeypatch):
    from fourdials.errors import Unreachable

    def fail(request):
        raise Unreachable("nobody there")

    asked = []
    play(home / "runs" / "run", experiment([arm("single")], problems=3), Script(fail=fail))
    monkeypatch.setattr(worker, "resume", lambda name, retry_errors: asked.append((name, retry_errors)))
    by(page("run", experiment="run").button, "Resume").click().run()
    assert asked == [("run", True)]


def test_a_run_that_does_not_exist_is_said_not_to(home):
    app = page("run", experiment="nothing")
    assert "no such run" in app.warning[0].value


def test_the_default_arms_are_one_for_each_dial():
    from fourdials import plugins

    arms = draft.default_arms(
        plugins.strategies(), plugins.tasks()["wikiworld"], catalogue.resolve(catalogue.DEFAULT_LOCAL)
    )
    assert [each.strategy for each in arms] == ["majority_vote", "stepwise", "retrieve", "act"]


def test_a_task_the_model_does_not_fit_says_so_once_and_keeps_the_button_closed(home, monkeypatch):
    gym = plugins.tasks()["reasoning_gym"]
    monkeypatch.setattr(gym, "INFO", replace(gym.INFO, context_tokens=100_000))
    app = page("run")
    by(app.selectbox, "Which task?").set_value("reasoning_gym").run()
    assert start(app).disabled
    assert "Not usable now" in app.warning[0].value
    assert not app.error


def test_a_run_whose_worker_has_just_ended_is_not_called_interrupted(home, monkeypatch):
    from fourdials.ui import data, monitor

    play(home / "runs" / "run", experiment([arm("single")], problems=3), Script())
    path = home / "runs" / "run" / "journal-1.jsonl"
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:-2]))  # what the store has read when the worker is already gone
    app = page("run", experiment="run")
    assert "interrupted" in shown(app)
    monkeypatch.setattr("fourdials.store.Store.start", lambda self: None)
    data.store().ingest()
    assert monitor.look("run")[1].state == "interrupted"
    path.write_bytes(b"".join(whole))
    row, state = monitor.look("run")
    assert (row["trials_done"], state.state) == (3, "finished")


def test_an_allocator_is_chosen_with_its_own_knobs(home, launched):
    app = page("run")
    choice = by(app.selectbox, "Who may go on")
    assert not any(option.startswith("oracle") for option in choice.options), "it knows the truth"
    choice.set_value("beta_stopping").run()
    by(app.number_input, "Confidence").set_value(0.8).run()
    start(app).click().run()
    [data] = launched
    assert (data["allocator"], data["allocation"]) == ("beta_stopping", {"confidence": 0.8})
    assert not any("share" in row for row in data["arms"])


def test_knobs_of_one_allocator_do_not_follow_to_the_next(home, launched):
    app = page("run")
    by(app.selectbox, "Who may go on").set_value("beta_stopping").run()
    by(app.number_input, "Confidence").set_value(0.8).run()
    by(app.selectbox, "Who may go on").set_value("uniform").run()
    start(app).click().run()
    assert not launched[0].keys() & {"allocator", "allocation"}


def test_caps_can_be_drawn_at_random_and_need_both_ends(home, launched):
    app = page("run")
    by(app.number_input, "drawn at random").set_value(200).run()
    assert any("a random cap needs both ends" in error.value for error in app.error)
    by(app.number_input, "Tokens per trial").set_value(2000).run()
    start(app).click().run()
    assert launched[0]["trial_budget"] == {"total_tokens": {"low": 200, "high": 2000}}
