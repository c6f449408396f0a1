"""How numbers and texts of others are shown."""

import pytest

from fourdials.ui import words


@pytest.mark.parametrize(
    ("value", "read"), [(0, "0"), (950, "950"), (12_300, "12,300"), (1_230_000, "1.2M"), (None, "unknown")]
)
def test_counts_are_read_in_full_up_to_a_million(value, read):
    assert words.count(value) == read


def test_a_band_is_one_number_where_both_ends_read_the_same():
    assert words.band("usd", 0.2, 0.2) == "$0.20"
    assert words.band("seconds", 65, 130) == "1 min 5 s – 2 min 10 s"


def test_one_is_singular():
    assert (words.plural(1, "trial"), words.plural(0, "trial"), words.plural(1200, "trial")) == (
        "1 trial",
        "0 trials",
        "1,200 trials",
    )


def test_text_of_others_has_no_markdown_left_in_it():
    assert words.plain("**a** [b](c)\n$d$ :red[e] <b>") == r"\*\*a\*\* \[b\](c) \$d\$ \:red\[e\] \<b\>"


def test_every_outcome_and_state_has_words():
    from typing import get_args

    from fourdials.records import Outcome

    assert set(words.OUTCOMES) == set(get_args(Outcome))
    assert {"queued", "running", "finished", "stopped", "failed", "interrupted", "starting"} == set(words.STATES)
