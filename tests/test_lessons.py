"""Lessons: each claim has one, files are checked, and what they predict is what the theory says."""

import json

import polars as pl
import pytest

from fourdials import lessons, verdict
from fourdials.bench import BENCHES
from fourdials.errors import InputError
from fourdials.store import RECORDED

ALL = lessons.lessons()


def test_every_claim_has_a_lesson_and_the_deep_ones_stand_first():
    assert sorted(ALL) == sorted(verdict.claims())
    deep = [claim for claim, lesson in ALL.items() if lesson.deep]
    assert sorted(deep) == ["C1", "C11", "C20", "C4", "C5", "C6", "C8"]
    assert list(ALL)[: len(deep)] == deep


@pytest.mark.parametrize("claim", ALL)
def test_a_lesson_offers_an_experiment_that_tests_its_claim_and_sets_knobs_that_exist(claim):
    lesson = ALL[claim]
    if lesson.experiment:
        assert (verdict.EXPERIMENTS / f"{lesson.experiment}.toml").is_file()
        assert lesson.experiment in verdict.experiments()[claim]
    if lesson.bench:
        assert lesson.knobs.keys() <= {knob.name for knob in BENCHES[lesson.bench].knobs}
        assert lesson.of_bench.settings(lesson.knobs) == pytest.approx(lesson.of_bench.settings({}) | lesson.knobs)


def test_only_claims_without_a_test_offer_nothing_to_run():
    assert [claim for claim, lesson in ALL.items() if not lesson.experiment] == ["C23"]


def test_a_predicted_point_is_the_height_of_the_line_it_names():
    assert ALL["C20"].truth() == pytest.approx(1 - 0.72**16)
    # A lead of 4 at p = 0.96: (1 + (0.04/0.96)^4)^−1048575
    assert ALL["C11"].truth() == pytest.approx((1 + (0.04 / 0.96) ** 4) ** -1048575, rel=1e-6)
    assert ALL["C1"].truth() is None


def written(tmp_path, **changes):
    text = (lessons.LESSONS / "c23.toml").read_text(encoding="utf-8")
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "c23.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('claim = "C23"', 'claim = "C99"', "C99"),
        ("minutes = 6", "minutes = 0", "minutes"),
        ("right = 1", "right = 7", "place of one of them"),
        ('kind = "choice"', 'kind = "point"', "needs the `line`"),
        ('bench = "entropy"', 'bench = "none"', "names the bench"),
        ("minutes = 6", "minutes = 6\ncolour = 'red'", "colour"),
        ("minutes = 6", "minutes = ", "cannot read"),
    ],
)
def test_a_mistake_in_a_lesson_is_named_with_its_file(tmp_path, old, new, said):
    with pytest.raises(InputError, match="c23") as caught:
        lessons.read(written(tmp_path, change=(old, new)))
    assert said in str(caught.value)


def test_a_lesson_tells_what_to_see_in_the_run_it_shows_and_nothing_of_another():
    lesson = ALL["C4"]
    house = {"name": "C18: beyond one score", "recorded": True, "origin": "real"}
    assert lesson.seen(house) == lesson.run.see
    scale = {"name": "C4 on rivers: the map hidden", "recorded": True, "origin": "scale model"}
    assert lesson.seen(scale) == lesson.run.scale
    assert "house of notes" not in lesson.seen(scale)
    assert lesson.seen(scale | {"recorded": False}) == ""
    assert lesson.seen(house | {"name": "Mine"}) == ""


@pytest.mark.parametrize("claim", ["C1", "C3", "C4", "C5", "C8", "C8b", "C10", "C11"])
def test_claims_with_a_recorded_run_of_a_scale_model_say_what_it_shows(claim):
    assert ALL[claim].run.scale
    assert any(stem.startswith("rivers") for stem in verdict.experiments()[claim])


def test_a_recording_a_lesson_names_comes_along_is_of_real_models_and_is_told_about():
    runs = pl.concat(
        [
            pl.read_parquet(path, columns=["name", "spec"]).with_columns(folder=pl.lit(path.parent.name))
            for path in RECORDED.glob("*/experiments.parquet")
        ]
    )
    for claim, lesson in ALL.items():
        if lesson.run.recorded:
            held = runs.filter(pl.col("name").str.to_lowercase() == lesson.run.recorded)
            assert held.height == 1, claim
            models = json.loads(held["spec"][0])["model"]
            assert models == "local/smollm2-135m", claim
            assert lesson.run.see, claim


def test_every_lesson_has_knobs_that_answer_at_once():
    assert [claim for claim, lesson in ALL.items() if lesson.of_bench is None] == []


def test_what_is_seen_in_a_pool_is_told_beside_the_theory_only_where_the_run_shown_is_laid_over_it():
    assert ALL["C20"].run.told_beside_theory
    assert not ALL["C10"].run.told_beside_theory  # another recording is laid over its bench
    assert not ALL["C13"].run.told_beside_theory
