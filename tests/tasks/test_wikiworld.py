"""Made-up worlds: questions that are right by hand, share worlds, and fit what was asked for."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from pydantic import ValidationError

from fourdials.errors import InputError
from fourdials.plugins import Store
from fourdials.records import Problem
from fourdials.tasks import _vocabulary as words
from fourdials.tasks import wikiworld

PAGES = {
    "Bob": ("Bob's mother is Ann.", "Bob's boss is Tom."),
    "Ann": ("Ann's town is Oslo.", "Ann's boss is Bob."),
    "Tom": ("Tom's mother is Bob.", "Tom's boss is Ann."),
    "Oslo": ("Oslo's mayor is Tom.", "Oslo's judge is Ann."),
}
BY_HAND = Problem(
    task="wikiworld",
    problem_id="hand",
    cluster_id="hand",
    difficulty=3,
    text="Who is Bob's mother's town's mayor?",
    reference="Tom",
    data={
        "start": "Bob",
        "turns": ("mother", "town", "mayor"),
        "facts": ("Oslo's mayor is Tom.", "Bob's mother is Ann.", "Tom's boss is Ann.", "Ann's town is Oslo."),
        "options": ("Ann", "Tom"),
    },
    world={"pages": PAGES},
)


def test_a_question_asked_step_by_step_reads_like_this():
    steps = wikiworld.question(BY_HAND, "search", "completion").steps
    trail = steps.advance(steps.first(), "Ann")
    assert steps.query(trail) == "Ann's town"
    prompt = steps.prompt(trail, ["Ann's town is Oslo.", "Ann's boss is Bob."])
    assert prompt.text == "Ann's boss is Bob. Ann's town is Oslo.\nBob's mother is Ann.\nAnn's town is"
    assert prompt.choices == ("Oslo", "Bob")
    assert (prompt.stop, prompt.key) == (("\n",), "hop:1:Ann")


def test_a_walk_shows_one_page_at_a_time_and_ends_after_the_last_hop():
    environment = wikiworld.environment(BY_HAND, "completion")
    assert environment.start().prompt.text.endswith("Bob's mother is Ann. Bob's boss is Tom.\nBob's mother is")
    environment.step("Ann")
    town = environment.step("Oslo")
    assert town.text == "Oslo\nOslo's mayor is Tom.\nOslo's judge is Ann."
    assert (town.actions, town.answer) == (("Tom", "Ann", "back"), None)
    assert environment.step("Tom").answer == "Tom"


def test_a_chat_model_is_told_the_rules_the_options_and_how_to_end():
    question = wikiworld.question(BY_HAND, "given", "chat")
    assert question.answer.shown.endswith("Reply with one name only, out of: Ann, Tom.")
    assert "Bob's mother is Ann.\n" in question.think.shown
    assert question.think.shown.endswith("End with a line that starts with `Answer:`, then one name.")


def test_grading_reads_one_name_wherever_it_stands():
    assert wikiworld.grade(BY_HAND, "**Tom**").outcome == "correct"
    assert wikiworld.grade(BY_HAND, "the mayor, Tom").outcome == "correct"
    assert wikiworld.grade(BY_HAND, "Ann").outcome == "wrong"
    assert wikiworld.grade(BY_HAND, "Tom or Ann").outcome == "wrong"


def test_bm25_finds_the_fact_that_is_asked_for_first():
    found = wikiworld.search_tool(BY_HAND).search("Oslo's mayor", 3)
    assert found[0] == "Oslo's mayor is Tom."
    assert len(found) == 3
    assert len(wikiworld.search_tool(BY_HAND).search("", 99)) == 8
    assert len(wikiworld.search_tool(BY_HAND).search("zzz", 2)) == 2


def test_several_questions_share_a_world_and_a_cluster():
    problems = wikiworld.problems(wikiworld.Params(questions_per_world=3), 8, 1)
    assert sorted(Counter(problem.cluster_id for problem in problems).values()) == [2, 3, 3]
    for first, second in pairwise(problems):
        assert (first.cluster_id == second.cluster_id) == (first.world == second.world)


def test_a_world_is_as_large_as_asked_and_no_page_links_twice_to_one_place():
    params = wikiworld.Params(people=30, facts_per_page=5, passages=9, hops=(4,))
    for problem in wikiworld.problems(params, 6, 1):
        pages = problem.world["pages"]
        assert len([name for name in pages if name in words.PEOPLE]) == 30
        assert len(set(problem.data["facts"])) == 9
        for name, lines in pages.items():
            links = wikiworld._WORDING.names(lines, but=name)
            assert len(links) == len(lines) == 5
            assert set(links) <= set(pages)


def test_the_reference_follows_from_the_given_facts_alone():
    for problem in wikiworld.problems(wikiworld.Params(hops=(1, 3, 5), passages=12), 12, 5):
        here = problem.data["start"]
        for turn in problem.data["turns"]:
            (line,) = (fact for fact in problem.data["facts"] if fact.startswith(f"{here}'s {turn} is "))
            here = line.removesuffix(".").rsplit(" ", 1)[1]
        assert here == problem.reference
        assert here in words.PEOPLE


def test_too_many_questions_for_a_world_is_an_error_that_says_what_to_change():
    params = wikiworld.Params(people=8, facts_per_page=2, hops=(1,), questions_per_world=20)
    with pytest.raises(InputError, match="raise people or lower questions_per_world"):
        wikiworld.problems(params, 20, 1)


@pytest.mark.parametrize("bad", [{"hops": (0,)}, {"hops": ()}, {"hops": (9,)}, {"people": 3}, {"passages": 1}])
def test_parameters_out_of_bounds_are_refused(bad):
    with pytest.raises(ValidationError):
        wikiworld.Params(**bad)


def test_twins_share_one_context_that_answers_each_of_them():
    params = wikiworld.Params(twins=True, hops=(1, 2, 3), passages=14)
    problems = wikiworld.problems(params, 8, 2)
    for world in (problems[:4], problems[4:]):
        assert len({problem.cluster_id for problem in world}) == 1
        assert len({problem.text for problem in world}) == 4
        for format in ("chat", "completion"):
            asked = [wikiworld.question(problem, "given", format) for problem in world]
            assert len({question.context for question in asked}) == 1
            assert {question.sharing for question in asked} == {4}
        for problem in world:
            assert len(set(problem.data["facts"])) == 14
            here = problem.data["start"]
            for turn in problem.data["turns"]:
                (line,) = (fact for fact in problem.data["facts"] if fact.startswith(f"{here}'s {turn} is "))
                here = line.removesuffix(".").rsplit(" ", 1)[1]
            assert here == problem.reference in problem.data["options"]
    apart = wikiworld.problems(wikiworld.Params(), 2, 2)
    assert len({wikiworld.question(problem, "given", "chat").context for problem in apart}) == 2
    with pytest.raises(ValidationError, match="12, for twins"):
        wikiworld.Params(twins=True)


def test_a_fact_is_in_one_store_and_the_world_is_the_same_wherever_its_facts_are():
    said, rows, both = (
        wikiworld.problems(wikiworld.Params(stores=stores), 6, 4) for stores in ("pages", "table", "both")
    )
    assert [p.text for p in said] == [p.text for p in rows] == [p.text for p in both]
    assert [p.reference for p in said] == [p.reference for p in rows] == [p.reference for p in both]
    for problem in both:
        lines = [line for lines in problem.world["pages"].values() for line in lines]
        held = {line.split(" | ")[1] for line in lines if " | " in line}
        told = {line.split("'s ")[1].split(" is ")[0] for line in lines if " | " not in line}
        assert held <= wikiworld._IN_TABLE["both"]
        assert held
        assert told
        assert not held & told
    assert all(" | " in line for lines in rows[0].world["pages"].values() for line in lines)


def test_a_search_reaches_both_stores_in_turns_or_the_one_it_names():
    world = {
        "pages": {"Bob": ("Bob's mother is Ann.", "Bob | boss | Tom"), "Ann": ("Ann | boss | Bob", "Ann | coach | Bob")}
    }
    tool = wikiworld.search_tool(replace(BY_HAND, world=world))
    assert tool.search("Bob's boss", 2) == ["Bob's mother is Ann.", "Bob | boss | Tom"]
    assert tool.search("table: Bob's boss", 1) == ["Bob | boss | Tom"]
    assert tool.search(" Pages : Bob's boss", 5) == ["Bob's mother is Ann."]
    assert len(tool.search("Bob's boss", 9)) == 4
    only = wikiworld.search_tool(replace(BY_HAND, world={"pages": {"Bob": ("Bob | boss | Tom",)}}))
    assert only.search("Bob", 3) == ["Bob | boss | Tom"]
    assert only.search("pages: Bob", 3) == []


def test_both_stores_can_be_read_by_place_as_the_task_offers():
    for stores in ("pages", "table", "both"):
        (problem,) = wikiworld.problems(wikiworld.Params(stores=stores), 1, 4)
        tool = wikiworld.search_tool(problem)
        assert isinstance(tool, Store)
        everything = [line for lines in problem.world["pages"].values() for line in lines]
        assert sorted(tool.read(0, tool.size)) == sorted(everything)
        assert [*tool.read(0, 2), *tool.read(2, 5)] == tool.read(0, 5)


def test_rows_are_read_as_facts_and_a_searching_chat_model_is_told_of_both_stores():
    data = BY_HAND.data | {
        "facts": ("Bob | mother | Ann", "Ann's town is Oslo.", "Oslo | mayor | Tom"),
        "stores": "both",
    }
    problem = replace(BY_HAND, data=data)
    steps = wikiworld.question(problem, "given", "completion").steps
    assert steps.prompt(steps.first()).choices == ("Ann", "Oslo", "Tom")
    searching = wikiworld.question(problem, "search", "chat").answer.shown
    assert "A search that starts with `table:` or `pages:` asks only that store; the table has every fact" in searching
    given = wikiworld.question(problem, "given", "chat").answer.shown
    assert "rows of a table" in given
    assert "asks only that store" not in given
    assert "table" not in wikiworld.question(BY_HAND, "search", "chat").answer.shown


def test_candidates_of_whoever_searches_are_as_many_as_those_given_but_are_not_taken_from_the_given_facts():
    problems = wikiworld.problems(wikiworld.Params(), 60, 9)
    on_the_way = 0
    for problem in problems:
        given, unseen = problem.data["options"], problem.data["candidates"]
        assert len(set(unseen)) == len(given) == round(1 / wikiworld.chance(problem))
        assert problem.reference in unseen
        assert problem.data["start"] not in unseen
        for format in ("chat", "completion"):
            for access in ("search", "environment"):
                assert wikiworld.question(problem, access, format).answer.choices == unseen
            assert wikiworld.question(problem, "given", format).answer.choices == given
        near = {name for fact in problem.data["facts"] for name in wikiworld._WORDING.entities(fact)}
        on_the_way += sum(name in near for name in unseen if name != problem.reference)
    others = sum(len(problem.data["options"]) - 1 for problem in problems)
    assert on_the_way < 0.6 * others, "names of the given facts come up no more often than any others"
