"""The two tasks that are walks: a player who knows every truth arrives, by steps, by search and inside the world."""

import pytest

from fourdials.plugins import tasks
from fourdials.tasks import _vocabulary as words

WALKS = [tasks()[name] for name in ("graph_path", "wikiworld")]
each_walk = pytest.mark.parametrize("task", WALKS, ids=[task.__name__.rsplit(".", 1)[-1] for task in WALKS])
each_format = pytest.mark.parametrize("format", ["chat", "completion"])


def some(task, count=15):
    return task.problems(task.Params(), count, 8)


@each_walk
def test_difficulty_counts_the_hops_and_all_of_them_occur(task):
    assert {problem.difficulty for problem in some(task)} == {1, 2, 3}
    assert all(problem.difficulty == len(problem.data["turns"]) for problem in some(task))


@each_walk
@each_format
@pytest.mark.parametrize("access", ["given", "search"])
def test_a_perfect_player_reaches_the_reference_by_steps(task, format, access):
    for problem in some(task):
        steps = task.question(problem, access, format).steps
        tool = task.search_tool(problem) if access == "search" else None
        state = steps.first()
        assert steps.answer(state) is None
        taken = 0
        while not steps.done(state):
            evidence = tool.search(steps.query(state), 2) if tool else None
            prompt = steps.prompt(state, evidence)
            reply = problem.truths[prompt.key]
            assert reply in prompt.choices, "what is needed is among the best two and the given facts"
            assert all(line in prompt.shown for line in evidence or ())
            state = steps.advance(state, reply)
            taken += 1
        assert (steps.answer(state), taken) == (problem.reference, problem.difficulty)


@each_walk
@each_format
def test_a_perfect_player_reaches_the_reference_inside_the_world(task, format):
    for problem in some(task):
        environment = task.environment(problem, format)
        seen = environment.start()
        assert seen.answer is None
        moves = 0
        while not seen.done:
            action = problem.truths[seen.prompt.key]
            assert action in seen.prompt.choices
            assert set(seen.prompt.choices) <= set(seen.actions)
            seen = environment.step(action)
            assert seen.valid
            moves += 1
        assert seen.answer == problem.reference
        assert moves == problem.difficulty + (format == "chat"), "a chat model also has to say that it has arrived"
        assert (seen.prompt, seen.actions) == (None, ())


@each_walk
@each_format
def test_an_action_that_is_not_open_changes_nothing_and_going_back_undoes_a_move(task, format):
    environment = task.environment(some(task)[2], format)
    first = environment.start()
    refused = environment.step("open the window")
    assert not refused.valid
    assert (refused.text, refused.actions, refused.prompt) == (first.text, first.actions, first.prompt)
    assert not environment.step("back").valid
    second = environment.step(first.actions[0])
    assert second.valid
    assert second.text != first.text
    assert environment.step("back") == first


@each_walk
def test_a_link_may_be_named_with_or_without_its_verb(task):
    problem = some(task)[2]
    link = task.environment(problem, "completion").start().actions[0]
    arrivals = {
        task.environment(problem, format).step(action).text
        for format in ("chat", "completion")
        for action in (link, f"{task._WORDING.move} {link}", link.upper())
    }
    assert len(arrivals) == 1


@each_walk
def test_nothing_can_be_done_after_the_end(task):
    problem = some(task)[0]
    environment = task.environment(problem, "chat")
    wrong = next(action for action in environment.start().actions if action.startswith("answer"))
    ended = environment.step(wrong)
    assert ended.done
    assert ended.answer == wrong.removeprefix("answer ")
    after = environment.step("back")
    assert (after.done, after.valid, after.answer) == (True, False, ended.answer)


@each_walk
def test_environments_and_searches_repeat_themselves(task):
    problem = some(task)[2]
    first, second = task.environment(problem, "completion"), task.environment(problem, "completion")
    assert first.start() == second.start()
    action = first.start().actions[0]
    assert first.step(action) == second.step(action)
    query = task.question(problem, "search", "chat").steps.query((problem.data["start"],))
    assert task.search_tool(problem).search(query, 4) == task.search_tool(problem).search(query, 4)
    assert len(task.search_tool(problem).search(query, 1)) == 1


@each_walk
def test_without_the_passages_a_question_shows_none_of_them(task):
    for problem in some(task, 6):
        for access in ("search", "environment"):
            for format in ("chat", "completion"):
                question = task.question(problem, access, format)
                shown = question.answer.shown + question.think.shown + question.text
                assert not any(fact in shown for fact in problem.data["facts"])


@each_walk
def test_the_options_hold_the_reference_but_not_the_start(task):
    for problem in some(task):
        assert problem.reference in problem.data["options"]
        assert problem.data["start"] not in problem.data["options"]
        assert task.chance(problem) == 1 / len(problem.data["options"])


@each_walk
def test_worked_examples_name_nothing_that_occurs_in_a_world_or_only_relations(task):
    names = set(words.PEOPLE + words.TOWNS + words.JOBS + words.OBJECTS)
    for line in (task._WORDING.direct_shots + task._WORDING.think_shots).replace(". ", ".\n").splitlines():
        assert not names.intersection(task._WORDING.entities(line))


def test_no_word_names_two_things():
    everything = words.PEOPLE + words.TOWNS + words.JOBS + words.OBJECTS
    assert len(set(everything)) == len(everything)
    assert all(word.isalpha() for word in everything)
