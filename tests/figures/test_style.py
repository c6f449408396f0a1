"""Colours: enough contrast, told apart by colour-blind eyes and in grey."""

import itertools

import numpy as np
import pytest

from fourdials.figures import style
from fourdials.records import DIALS

# Machado, Oliveira and Fernandes 2009, full severity.
SIGHTS = {
    "full": np.eye(3),
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour):
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(light):
    scaled = TO_XYZ @ np.clip(light, 0, 1) / np.array([0.9505, 1, 1.089])
    x, y, z = np.where(scaled > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(first, second):
    low, high = sorted((TO_XYZ @ linear(colour))[1] for colour in (first, second))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_every_dials_colour_stands_out_from_the_page_and_text_is_legible(dark):
    ink = style.INKS[dark]
    assert set(ink.dials) == set(DIALS)
    assert min(contrast(colour, ink.paper) for colour in ink.dials.values()) >= 3
    assert contrast(ink.text, ink.paper) >= 12
    assert contrast(ink.muted, ink.paper) >= 4.5


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("dark", [False, True])
def test_any_two_dials_are_told_apart_whatever_ones_sight(dark, sight):
    seen = [lab(np.array(SIGHTS[sight]) @ linear(colour)) for colour in style.INKS[dark].dials.values()]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 20


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("dark", [False, True])
def test_what_is_no_dial_has_colours_of_its_own_whatever_ones_sight(dark, sight):
    ink = style.INKS[dark]
    own, dials = (
        [lab(np.array(SIGHTS[sight]) @ linear(colour)) for colour in colours]
        for colours in (ink.others, [*ink.dials.values(), ink.text, ink.muted])
    )
    assert min(contrast(colour, ink.paper) for colour in ink.others) >= 3
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(own, 2)) > 20
    assert min(np.linalg.norm(a - b) for a in own for b in dials) > 14


@pytest.mark.parametrize("dark", [False, True])
def test_dials_differ_in_grey_print(dark):
    lightness = sorted(lab(linear(colour))[0] for colour in style.INKS[dark].dials.values())
    assert min(np.diff(lightness)) > 5


def test_lines_under_a_title_fit_a_narrow_figure():
    lines = style.wrapped(["word " * 60, "short"])
    assert max(map(len, lines)) <= style.LINE_CHARACTERS
    assert lines[-1] == "short"


def test_a_status_too_long_to_be_held_together_is_broken_between_words():
    lines = style.wrapped(["held\u00a0together " + "\u00a0".join(["word"] * 20)])
    assert lines[0].startswith("held\u00a0together word")
    assert max(map(len, lines)) <= style.LINE_CHARACTERS
    assert " ".join(lines).split().count("word") == 20
