"""Long ledgers: each update depends on the last, and a player is shown what its own replies led to."""

import re
from itertools import pairwise

import pytest

from fourdials.records import Problem
from fourdials.tasks import long_ledger

UPDATES = (("Bob", "Ann", 3), ("Ann", "Bob", -5))
BY_HAND = Problem(
    task="long_ledger",
    problem_id="hand",
    cluster_id="hand",
    difficulty=2,
    text="How much does Ann have at the end?",
    reference="18",
    data={"opening": (("Ann", 20), ("Bob", 40), ("Tom", 7)), "updates": UPDATES, "asked": "Ann"},
    truths=long_ledger._Truths("18", UPDATES),
)


def some(count=12, **params):
    return long_ledger.problems(long_ledger.Params(**params), count, 3)


def test_a_ledger_by_hand():
    text = long_ledger.question(BY_HAND, "given", "chat").text
    assert "start: Ann 20, Bob 40, Tom 7." in text
    assert "1. Bob now has 3 more than Ann.\n2. Ann now has 5 less than Bob.\n\nHow much does Ann" in text
    direct = long_ledger.question(BY_HAND, "given", "completion").answer.text.splitlines()[-1]
    assert direct == "Ann 20, Bob 40, Tom 7. Bob = Ann + 3. Ann = Bob - 5. At the end Ann:"
    assert long_ledger.grade(BY_HAND, "18.0").outcome == "correct"
    assert long_ledger.grade(BY_HAND, "20").outcome == "wrong"


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_a_perfect_player_reaches_the_reference_in_as_many_steps_as_updates(format):
    for problem in some(updates=(1, 30, 200), accounts=6):
        steps = long_ledger.question(problem, "given", format).steps
        state, taken = steps.first(), 0
        assert steps.answer(state) is None
        while not steps.done(state):
            state, taken = steps.advance(state, problem.truths[steps.prompt(state).key]), taken + 1
        assert (steps.answer(state), taken) == (problem.reference, problem.difficulty)


def test_a_slip_is_carried_on_and_never_put_right():
    steps = long_ledger.question(BY_HAND, "given", "completion").steps
    state = steps.advance(steps.first(), "99")
    prompt = steps.prompt(state)
    assert prompt.text.endswith("\nAnn 20, Bob 99. Ann = Bob - 5. Ann:")
    assert BY_HAND.truths[prompt.key] == "94"
    assert "Tom 7" in long_ledger.question(BY_HAND, "given", "chat").steps.prompt(state).shown
    assert BY_HAND.truths.get("update:0:many") is None
    assert steps.answer(state) == "99"


def test_every_update_reads_what_the_one_before_wrote_and_balances_keep_two_digits():
    for problem in some(updates=(200,), largest=40):
        balances = dict(problem.data["opening"])
        for there, here, change in problem.data["updates"]:
            balances[there] = balances[here] + change
            assert 1 <= balances[there] <= 99
        assert str(balances[problem.data["asked"]]) == problem.reference
        assert all(after[1] == before[0] for before, after in pairwise(problem.data["updates"]))
        changes = [change for *_, change in problem.data["updates"]]
        assert 40 < sum(change > 0 for change in changes) < 160


def test_worked_examples_are_right_and_name_nobody_in_a_ledger():
    shown = long_ledger._STEP_SHOTS + long_ledger._SHOTS
    for example in shown.splitlines():
        balances = {name: int(value) for name, value in re.findall(r"(\w+) (\d+)[,.]", example.split("=")[0])}
        for there, here, sign, size in re.findall(r"(\w+) = (\w+) ([+-]) (\d+)", example):
            balances[there] = balances[here] + int(sign + size)
        name, value = re.search(r"(\w+): (\d+)$", example).groups()
        assert balances[name] == int(value)
        assert not set(balances) & set(long_ledger.PEOPLE)


def test_where_updates_read_any_account_old_balances_are_read_again_and_the_reference_follows():
    params = long_ledger.Params(updates=(40,), accounts=6, reads="any")
    chained = 0
    for problem in long_ledger.problems(params, 10, 3):
        balances, last = dict(problem.data["opening"]), None
        for there, here, change in problem.data["updates"]:
            assert there != here
            chained += here == last
            balances[there] = balances[here] + change
            assert 1 <= balances[there] <= 99
            last = there
        assert str(balances[problem.data["asked"]]) == problem.reference
    assert 20 < chained < 150  # of 400, a sixth by chance
    assert "depending on the last" not in long_ledger.INFO.summary, "it tells of ledgers of either kind"


def test_a_step_recalled_from_a_transcript_goes_on_from_what_it_tells_last():
    problem = long_ledger.problems(long_ledger.Params(updates=(3,), accounts=2), 1, 1)[0]
    opening, updates = problem.data["opening"], problem.data["updates"]
    for format in ("chat", "completion"):
        steps = long_ledger.question(problem, "given", format).steps
        one = steps.advance(steps.first(), "50")
        two = steps.advance(one, "60")
        assert steps.entry(steps.first(), "50").endswith(f". {updates[0][0]}: 50")
        assert steps.conclusion(steps.first(), two) == f"{updates[0][0]}: 50, {updates[1][0]}: 60"
        entries = [steps.entry(steps.first(), "50"), steps.entry(one, "60")]
        assert steps.recall(two, entries).key == steps.recall(two, [steps.conclusion(steps.first(), two)]).key
        assert steps.recall(two, entries).key == f"update:2:{dict(two[1])[updates[2][1]]}"
        assert steps.recall(two, []).key == f"update:2:{dict(opening)[updates[2][1]]}"
