"""Rivers: the notation, the four ways to ask about one map, going back from dead ends, and what twins share."""

import random

import pytest
from pydantic import ValidationError

from fourdials import plugins
from fourdials.prompting import force
from fourdials.tasks import _rivers as notation
from fourdials.tasks import rivers
from fourdials.tasks._rivers import Rivers
from fourdials.tasks._rivers_inside import RiverSteps

MAP = Rivers(("ab1", "cd2"), (("b", "1"), ("c", "d"), ("a", "b"), ("a", "x"), ("d", "2")))


def some(count=8, **params):
    return rivers.problems(rivers.Params(**params), count, 5)


def test_the_notation_is_what_the_models_were_taught():
    assert notation.shown(MAP.edges) == "b1,cd,ab,ax,d2,"
    assert notation.direct(MAP.edges, "a") == "b1,cd,ab,ax,d2,?a=a"
    assert notation.thought(MAP.edges, "a") == "b1,cd,ab,ax,d2,?a>a"
    assert notation.choice(MAP.touching("a"), "a") == "ab,ax,?<a"
    assert notation.check(MAP.edges, "a", "b1=1") == "b1,cd,ab,ax,d2,?a!ab1=1"
    assert len(set(notation.ALPHABET)) == len(notation.ALPHABET) == 61


@pytest.mark.parametrize(
    ("claimed", "sound"),
    [
        ("b", True),
        ("b1", True),
        ("b1=", True),
        ("b1=1", True),
        ("b1=2", False),
        ("x", False),
        ("d2=2", False),
        ("b2", False),
    ],
)
def test_a_thought_is_sound_if_it_follows_edges_to_the_flag_it_names(claimed, sound):
    assert notation.sound(MAP, "a", claimed) is sound


def test_the_task_knows_whether_a_thought_can_be_built_on():
    [problem] = some(1, hops=[3], rivers=2, forks=3)
    start, first, *_ = next(c for c in problem.world["courses"] if c[0] == problem.data["start"])
    dead = next(there for here, there in problem.world["edges"] if here == start and there != first)
    assert rivers.sound(problem, first)
    assert not rivers.sound(problem, dead)
    assert not rivers.sound(problem, start)


def test_a_random_walk_ends_at_a_flag_or_says_that_nothing_leads_on():
    walks = {MAP.walk("a", random.Random(seed)) for seed in range(20)}
    assert walks == {"b1", "x<"}


@pytest.mark.parametrize("size", [(4, 8, 0, 1), (2, 4, 3, 2), (3, 5, 2, 1)])
def test_a_map_has_the_size_asked_for_and_one_way_to_each_flag(size):
    count, hops, forks, reach = size
    drawn = notation.draw(random.Random(1), *size)
    assert len(drawn.edges) == count * (hops + forks * reach)
    assert len({there for _, there in drawn.edges}) == len(drawn.edges)  # nothing is reached twice
    assert [len(course) - 1 for course in drawn.courses] == [hops] * count
    assert sum(len(drawn.onward(place)) == 2 for course in drawn.courses for place in course) == count * forks


def test_every_completion_prompt_stays_within_the_alphabet_and_the_context():
    for problem in some(inside="shown", hops=(3, 6), forks=2):
        seen = []
        for access in rivers.OFFERED:
            question = rivers.question(problem, access, "completion")
            seen += [
                question.answer,
                question.think,
                question.check("ab1=1"),
                question.steps.prompt(question.steps.first(), []),
            ]
        seen.append(rivers.environment(problem, "completion").start().prompt)
        for prompt in seen:
            assert set(prompt.text) <= set(notation.ALPHABET)
            assert 1 + len(prompt.text) + prompt.max_tokens <= rivers.INFO.context_tokens


def test_chance_is_one_in_so_many_rivers():
    for count in (2, 3, 4):
        assert {rivers.chance(problem) for problem in some(rivers=count)} == {1 / count}


def test_hidden_and_shown_twins_share_the_map_and_the_cluster_but_are_not_one_problem():
    for hidden, shown in zip(some(), some(inside="shown"), strict=True):
        assert hidden.data["edges"] == shown.data["edges"]
        assert hidden.cluster_id == shown.cluster_id
        assert hidden.problem_id != shown.problem_id


def test_a_hidden_map_is_in_no_prompt_and_the_twin_shows_all_of_it():
    for hidden, shown in zip(some(hops=(6,)), some(hops=(6,), inside="shown"), strict=True):
        whole = notation.shown(hidden.data["edges"])
        assert whole in rivers.environment(shown, "completion").start().prompt.text
        seen = rivers.environment(hidden, "completion").start().prompt.text
        assert seen.count(",") == 1
        assert rivers.question(hidden, "environment", "completion").answer.text == f"?{seen[-1]}={seen[-1]}"


def test_of_a_veiled_map_a_thought_is_given_what_is_seen_from_the_start_and_a_walk_what_it_is_on_a_hidden_one():
    for hidden, veiled in zip(some(hops=(3,), forks=1), some(hops=(3,), forks=1, inside="veiled"), strict=True):
        assert (hidden.cluster_id, hidden.world) == (veiled.cluster_id, veiled.world)
        near = [edge for edge in veiled.data["edges"] if veiled.data["start"] in edge]
        for format in ("chat", "completion"):
            given = rivers.question(veiled, "given", format)
            seen = "".join(f"{a}{b}," for a, b in near)
            assert given.text.count("flows into") == len(near)
            assert format == "chat" or given.think.text.partition("?")[0] == seen
            worlds = [rivers.environment(each, format).start() for each in (hidden, veiled)]
            assert worlds[0] == worlds[1]


def test_walking_the_true_way_reaches_the_flag_and_a_dead_end_leads_back():
    problem = some(1, hops=(4,), forks=2)[0]
    truths, inside = problem.truths, rivers.environment(problem, "chat")
    seen, steps = inside.start(), 0
    while not seen.done:
        here = seen.prompt.key.removeprefix("at:")
        dead = [way for way in seen.actions if way not in ("<", truths[seen.prompt.key])]
        if dead and steps < 10:
            at_end = inside.step(dead[0])
            assert at_end.actions == ("<",)
            seen = inside.step("back")
            assert f"{here} flows into {dead[0]}." not in seen.prompt.messages[0].content
            assert seen.prompt.key == f"at:{here}"
        seen = inside.step(truths[seen.prompt.key])
        steps += 1
    assert (seen.answer, steps) == (problem.reference, 4)


def test_an_action_that_is_not_open_changes_nothing():
    inside = rivers.environment(some(1)[0], "completion")
    before = inside.start()
    after = inside.step("<")
    assert (after.valid, after.text, after.answer) == (False, before.text, None)


def test_looking_places_up_goes_back_from_a_dead_end_and_leaves_out_what_was_tried():
    steps = RiverSteps({"start": "a"}, (), "completion")
    store = rivers.RiverStore(MAP.edges)
    state = steps.first()
    assert steps.prompt(state, store.search(steps.query(state), 3)).text == "ab,ax,?<a"
    state = steps.advance(state, "x")
    assert steps.prompt(state, store.search("x", 3)).text == "ax,?<x"
    state = steps.advance(state, "<")
    assert steps.prompt(state, store.search("a", 3)).text == "ab,?<a"
    state = steps.advance(steps.advance(state, "b"), "1")
    assert (steps.done(state), steps.answer(state)) == (True, "1")


def test_the_store_finds_what_leaves_a_place_before_what_reaches_it():
    store = rivers.RiverStore(MAP.edges)
    assert store.search("What does b flow into?", 1) == ["b flows into 1."]
    assert store.search("b", 2) == ["b flows into 1.", "a flows into b."]
    assert store.search("nothing", 2) == []


def test_a_map_that_is_too_large_is_refused():
    with pytest.raises(ValidationError, match="at most 32"):
        rivers.Params(hops=(8,), forks=1)


def test_the_task_is_found():
    assert plugins.tasks()["rivers"] is rivers


def test_a_thought_cut_short_is_joined_to_the_forced_answer_without_a_space():
    problem = some(1, hops=(4,))[0]
    question = rivers.question(problem, "given", "completion")
    assert force(question, "bc", "unused").text == f"{question.think.text}bc="
