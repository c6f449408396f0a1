"""What judges share: which spends may be compared, what counts as not falling back, and which check decides."""

import polars as pl
import pytest

from fourdials.claims._judging import ahead, at_ends, begun, compared, holding, values_at
from fourdials.claims.c05_search_and_thought import Marginal, _alike
from fourdials.errors import InputError
from fourdials.verdict import NOT_REPRODUCED, REPRODUCED, SHOWN, UNDECIDED, UNTESTABLE, above, shown, within
from tests.claims.made import Made, arm, judged, rates, said


def points(arms, rate, n, unit="total_tokens"):
    return Made(arms, rate, n).evidence().points(unit)


def cut_before_any_answer(frame, name, count):
    """The first `count` units of an arm, cut off before they answered."""
    units = frame.filter(arm=name)["unit_id"].unique().sort().head(count)
    rows = (
        frame.filter(pl.col("unit_id").is_in(units))
        .unique("unit_id")
        .with_columns(
            level=pl.lit(None, pl.Int64),
            score=pl.lit(None, pl.Float64),
            spend=pl.lit(None, pl.Float64),
            gain=pl.lit(0.0),
            max_spend=pl.lit(0.0),
            finished=pl.lit(value=False),
        )
    )
    return pl.concat([frame.filter(~pl.col("unit_id").is_in(units)), rows])


@pytest.fixture
def cut():
    """A is right nine times in ten where it answers, B once in ten; 11 of 200 units of A were cut off at once, so that
    its curve was seen up to a spend of 0."""
    frame = points([arm("A"), arm("B")], rates(A=0.9, B=0.1), 200)
    return cut_before_any_answer(frame, "A", 11)


def test_where_a_curve_was_seen_up_to_nothing_nothing_is_compared_with_nothing(cut):
    with pytest.raises(InputError, match=r"at 0, as far as all were seen, there is nothing to compare: \w answers"):
        ahead(cut, "A", "B")
    with pytest.raises(InputError, match="nothing to compare"):
        values_at(cut, ["A", "B"])
    check = compared(within, "they are alike", cut, "A", "B", 0.03)
    assert check.outcome == UNTESTABLE
    assert check.said.startswith("they are alike: at 0")
    assert compared(shown, "beside it", cut, "A", "B").outcome == SHOWN
    assert at_ends(cut, "A", "B").value == pytest.approx(0.75, abs=0.07)


def test_an_arm_that_begins_beyond_what_the_other_spends_is_not_behind():
    frame = points([arm("cheap"), arm("dear", cost=300.0)], rates(cheap=0.2, dear=0.9), 100)
    assert compared(above, "cheap leads dear", frame, "cheap", "dear").outcome == UNTESTABLE
    assert ahead(frame, "cheap", "dear", 300.0).value < -0.5, "cheap had finished: more would not change its answers"


def test_an_arm_has_begun_once_all_but_one_in_twenty_of_its_units_answer():
    frame = points([arm("A")], rates(A=0.5), 100)
    late = pl.col("unit_id") <= 5
    assert begun(frame.with_columns(spend=pl.when(late).then(900.0).otherwise("spend"))) == 100
    assert begun(frame.with_columns(spend=pl.when(pl.col("unit_id") <= 6).then(900.0).otherwise("spend"))) == 900
    assert begun(frame.with_columns(spend=pl.lit(None, pl.Float64))) == float("inf")


def test_nothing_is_read_beyond_what_was_seen_of_an_arm_that_could_have_gone_on():
    arms = [arm("A", levels=(1, 8), finished=False), arm("B", levels=(30,))]
    frame = points(arms, rates(A=0.5, B=0.5), 100)
    with pytest.raises(InputError, match="they would be compared at 3,000, and A was seen up to 800 only"):
        ahead(frame, "B", "A", 3000.0)
    assert ahead(points([dict(arms[0], finished=True), arms[1]], rates(A=0.5, B=0.5), 100), "B", "A", 3000.0).n == 100


@pytest.mark.parametrize(("n", "outcome"), [(3, UNDECIDED), (9, UNDECIDED), (40, UNDECIDED), (300, REPRODUCED)])
def test_a_curve_on_which_nothing_changed_holds_only_where_enough_problems_say_so(n, outcome):
    flat = points([arm("A", levels=(1, 2, 4, 8, 16))], lambda name, where, level: 0.5, n)
    check = holding(flat, "A", 0.03)
    assert (check.value, check.outcome) == (0.0, outcome)
    assert check.high > 3.8 / (n + 4), "no change among n has Wilson's upper end, not 0"


LEVELS = (1, 2, 4, 8, 16, 32)


def marginal(name, curve, n):
    frame = points([arm(name, levels=LEVELS)], lambda _, where, level: curve[LEVELS.index(level)], n, "level")
    return Marginal(frame, name)


def test_one_family_for_two_curves_takes_more_problems_than_a_handful():
    step, power = (0.1, 0.1, 0.1, 0.9, 0.9, 0.9), (0.1, 0.5, 0.7, 0.8, 0.85, 0.87)
    handful = marginal("searches", step, 10), marginal("thought", power, 10)
    assert _alike(*handful, shaped=True).value <= 2, "the simplest family fits ten problems, whatever they are"
    assert _alike(*handful, shaped=False).outcome == UNDECIDED
    few = _alike(marginal("searches", step, 30), marginal("thought", power, 30), shaped=True)
    assert few.outcome == UNDECIDED
    assert few.low <= 2 < few.high
    many = _alike(marginal("searches", step, 3000), marginal("thought", power, 3000), shaped=True)
    assert many.outcome == NOT_REPRODUCED
    assert many.low > 2


def test_c1_leaves_out_no_difficulty_that_the_votes_never_reach():
    arms = [
        arm("chain", "chain_of_thought", "sequential", levels=(4,)),
        arm("votes", "thought_vote", levels=(1, 2, 4, 8, 16), tokens=32),
    ]

    def rate(name, where, level):
        if name == "chain":
            return 0.9
        reached = {1: (1, 1), 2: (2, 2), 3: (4, 4), 4: (99, 99)}[where["difficulty"]][0]
        return 0.9 if level >= reached else 0.4

    found = judged("C1", Made(arms, rate, 2000))
    growth = next(check for check in found.checks if check.said.startswith("The logarithm"))
    assert growth.outcome == UNTESTABLE
    assert "all of which votes reach" in growth.said


def test_c1_takes_the_arm_with_most_votes_and_not_the_one_that_did_best():
    arms = [
        arm("chain", "chain_of_thought", "sequential", levels=(4,)),
        arm("short", "thought_vote", levels=(1, 2, 4, 8), tokens=8),
        arm("long", "thought_vote", levels=(1, 2), tokens=64),
    ]
    found = judged("C1", Made(arms, lambda name, where, level: 0.9 if name == "long" else 0.4, 400))
    assert next(name for name in said(found) if "votes that reach two thirds" in name).startswith("short:")


def test_a_verdict_follows_the_check_the_claim_is_about():
    arms = [arm("vote", "majority_vote", levels=(1, 8)), arm("game", "consensus_game", "hybrid", levels=(1, 8))]
    lone = judged("C19", Made(arms, rates(vote=0.5, game=0.8), 300))
    assert lone.told == "reproduced, in part", "its parts stand by themselves, so one that was run comes first"
    assert [check.outcome for check in lone.checks][-2:] == [UNTESTABLE, UNTESTABLE]
