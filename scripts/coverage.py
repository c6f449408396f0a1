"""Simulated experiments with a known truth → how often the 95 % intervals hold it. Run by scripts/coverage.

For each cell of the table experiments are drawn, put through the estimators the dashboard uses, and the share is
counted whose interval holds the truth; the plain percentile bootstrap over clusters stands beside it. The truth of each
experiment is drawn evenly from within 0.02 of the cell's (0.005 where it is below 0.1), since for right-or-wrong scores
coverage jumps between neighbouring truths; how far it jumps is worked out exactly and printed, too.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binom

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import coverage_curves  # noqa: E402 - it lies beside this file

from fourdials.estimate import intervals  # noqa: E402

SIZES = (10, 20, 50, 100, 200, 500)
SHARES = (0.02, 0.05, 0.1, 0.3, 0.5, 0.9)
GAPS = ((0.1, 0.1), (0.3, 0.3), (0.5, 0.5), (0.5, 0.6), (0.8, 0.9), (0.05, 0.1))
BATCH = 250
BREAK = "\n\n"
TOGETHER = 0.5  # how often the problems of a cluster share their luck, and how often two arms do

AIM = (93.0, 97.0)
WHY = (
    "They hold the truth too often, none too seldom, and in each a handful of clusters is all there is. Of 50 problems "
    "in 10 clusters a tenth is right: no interval can miss from above there, since even with nothing right one that "
    "knew the effective n, which is 25, would reach to 13 %; and what makes the share look large, a whole cluster "
    "right by luck, makes the variance large as well. Where both arms are right a tenth of the time, four or five "
    "problems, in three or four clusters, tell them apart on average: the exact test, by flips of sign of whole "
    "clusters, has so few outcomes that it rejects at 5 % in 1 % of experiments or fewer, and an interval that agreed "
    "with it would hold the truth in 99 %. Above 200 clusters the bootstrap serves only where the equivalent of "
    f"{intervals.EDGE:g} problems is right and as many wrong; with fewer it missed more often than it says."
)
READING = (
    "The truth: a power law from 0.2 that tends to 0.8, read at a spend between two levels; samples that are "
    "right with a chance from Beta(3, 2), (1, 1) or (1, 4), wrong ones all alike; a verifier that gives the right ones "
    "the larger of two draws; an arm that passes another at 80 tokens. What to make of it: a crossover's interval "
    "holds the truth nearly always, which is inherent in when it is stated: only where both leads are shown by a band "
    "over all budgets at once (max-t), and from the last budget of the one lead to the first of the other. The "
    "asymptote of the true family is held as stated, but data as few as these seldom single that family out, and the "
    "interval of the one named best does not know that it may be the wrong one. So the Fits tab shows the third: each "
    "resample takes the family that fits it best, and one that tends to no limit speaks for all between its last value "
    "and its turning point, or 100 times the last spend. It is wide, and where it leaves out less than a quarter of "
    "what lies above the last value the tab says that these budgets do not determine it."
)


@dataclass(frozen=True)
class Design:
    """How problems are laid out: what it is called, problems per cluster, repeats per problem."""

    name: str
    per_cluster: int = 1
    repeats: int = 1


DESIGNS = (
    Design("right or wrong, each problem alone"),
    Design("4 repeats a problem", repeats=4),
    Design("16 repeats a problem", repeats=16),
    Design("clusters of 2 problems", per_cluster=2),
    Design("clusters of 5 problems", per_cluster=5),
)


def luck(design: Design, n: int, runs: int, rng: np.random.Generator) -> np.ndarray:
    """Even draws in [0, 1], clusters × problems × repeats × runs, partly shared within clusters and problems."""
    clusters = n // design.per_cluster
    alone = rng.random((clusters, design.per_cluster, design.repeats, runs))
    if design.repeats > 1:
        shared = rng.random((clusters, design.per_cluster, 1, runs))
        alone = np.where(rng.random(alone.shape) < TOGETHER, shared, alone)
    if design.per_cluster > 1:
        shared = rng.random((clusters, 1, 1, runs))
        alone = np.where(rng.random(alone.shape) < TOGETHER, shared, alone)
    return alone


def sums(drawn: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Scores summed by cluster: clusters × runs."""
    return (drawn < truth).mean(axis=2).sum(axis=1)


def truths(middle: float, runs: int, rng: np.random.Generator) -> np.ndarray:
    width = 0.005 if min(middle, 1 - middle) < 0.1 else 0.02
    return rng.uniform(middle - width, middle + width, runs)


def of_shares(design: Design, n: int, p: float, runs: int, seed: int) -> tuple[float, float, float]:
    """Coverage and mean width of `share_bounds`, and coverage of the percentile bootstrap."""
    rng = np.random.default_rng([seed, n, round(1000 * p)])
    sizes = np.full(n // design.per_cluster, float(design.per_cluster))
    held, width, plain = 0.0, 0.0, 0.0
    for batch in range(runs // BATCH):
        truth = truths(p, BATCH, rng)
        scores = sums(luck(design, n, BATCH, rng), truth)
        weights = intervals.resamples(len(sizes), seed=batch)
        found = intervals.share_bounds(scores, sizes, weights)
        low, high = intervals.percentiles(intervals.drawn_means(scores, sizes, weights))
        held += float(((found.low <= truth) & (truth <= found.high)).mean())
        plain += float(((low <= truth) & (truth <= high)).mean())
        width += float((found.high - found.low).mean())
    return tuple(x / (runs // BATCH) for x in (held, width, plain))  # type: ignore[return-value]


def of_differences(design: Design, n: int, p: tuple[float, float], runs: int, seed: int) -> tuple[float, float, float]:
    """The same of `difference_bounds`, for two arms that share half of their luck."""
    rng = np.random.default_rng([seed, n, round(1000 * p[0]), round(1000 * p[1])])
    sizes = np.full(n // design.per_cluster, float(design.per_cluster))
    held, width, plain = 0.0, 0.0, 0.0
    for batch in range(runs // BATCH):
        first = luck(design, n, BATCH, rng)
        second = np.where(rng.random(first.shape) < TOGETHER, first, luck(design, n, BATCH, rng))
        a, b = (truths(q, BATCH, rng) for q in p)
        one, other = sums(first, a), sums(second, b)
        weights = intervals.resamples(len(sizes), seed=batch)
        found = intervals.difference_bounds(one, other, sizes, weights)
        low, high = intervals.percentiles(intervals.drawn_means(one - other, sizes, weights))
        held += float(((found.low <= a - b) & (a - b <= found.high)).mean())
        plain += float(((low <= a - b) & (a - b <= high)).mean())
        width += float((found.high - found.low).mean())
    return tuple(x / (runs // BATCH) for x in (held, width, plain))  # type: ignore[return-value]


def exact(n: int) -> tuple[float, float, float]:
    """Least, mean and most coverage of Wilson's interval over truths from 0.1 to 0.9 in steps of 0.001, enumerated."""
    outcomes = np.arange(n + 1)
    ends = [intervals.wilson(x / n, n) for x in outcomes]
    low, high = (np.array([getattr(end, side) for end in ends]) for side in ("low", "high"))
    p = np.arange(100, 901)[:, None] / 1000
    holds = (low <= p + 1e-12) & (p - 1e-12 <= high)
    covered = (binom.pmf(outcomes, n, p) * holds).sum(axis=1)
    return float(covered.min()), float(covered.mean()), float(covered.max())


def cells(title: str, marks: Any, measure: Callable[..., tuple[float, float, float]], options: Any) -> Iterator[str]:
    """A section of the document: one table per design, a row per n, three numbers a cell."""
    error = 100 * 1.96 * (0.95 * 0.05 / options.runs) ** 0.5
    yield f"## {title}"
    yield f"From {options.runs:,} experiments a cell, which leaves ±{error:.1f} points of chance."
    for design in DESIGNS:
        shown = [f"{m[0]:g} − {m[1]:g}" if isinstance(m, tuple) else f"{m:g}" for m in marks]
        yield f"### {title}: {design.name}"
        yield "\n".join(
            [
                "| problems | " + " | ".join(shown) + " |",
                "|---|" + "---|" * len(shown),
                *(row(design, n, marks, measure, options) for n in SIZES if n // design.per_cluster > 1),
            ]
        )


def row(design: Design, n: int, marks: Any, measure: Callable[..., tuple[float, float, float]], options: Any) -> str:
    found = [measure(design, n, mark, options.runs, options.seed) for mark in marks]
    if options.progress:
        print(
            measure.__name__,
            design.name,
            n,
            *(f"{100 * held:.1f}" for held, _, _ in found),
            file=sys.stderr,
            flush=True,
        )
    entries = [f"**{100 * held:.1f}** ({100 * plain:.1f}; {100 * width:.0f})" for held, width, plain in found]
    return f"| {n} | " + " | ".join(entries) + " |"


def beyond(section: str) -> str:
    """Which cells of the sections held more or less than the aim, read off their tables: n ≥ 50, 0.1 ≤ p ≤ 0.9."""
    found, total, heading, marks = [], 0, "", []
    for line in section.splitlines():
        parts = [part.strip() for part in line.strip("|").split("|")]
        if line.startswith("### "):
            heading = line.removeprefix("### ").lower()
        elif line.startswith("| problems"):
            marks = parts[1:]
        elif line.startswith("| ") and int(parts[0]) >= 50:
            for mark, entry in zip(marks, parts[1:], strict=True):
                if min(map(float, mark.split(" − "))) < 0.1:
                    continue
                total += 1
                held = float(entry.split("**")[1])
                if not AIM[0] <= held <= AIM[1]:
                    found.append(f"{heading}, n = {parts[0]}, p = {mark}: {held:.1f}")
    listed = "\n".join(f"- {each}" for each in found)
    return (
        f"Of the {total} cells with n ≥ 50 and 0.1 ≤ p ≤ 0.9, {total - len(found)} hold the truth in {AIM[0]:g} to "
        f"{AIM[1]:g} % of experiments. The others:\n\n{listed}\n\n{WHY}"
    )


def kept(path: Path, part: str) -> str | None:
    """A part of the document as it was measured before; None if there is none."""
    if not path.exists():
        return None
    _, found, after = path.read_text(encoding="utf-8").partition(f"<!-- {part} -->\n\n")
    return after.partition("\n\n<!-- ")[0].rstrip("\n") if found else None


def document(options: Any) -> str:
    """The whole of docs/intervals.md: the parts asked for measured anew, the others as they are."""
    lattice = [
        "| problems | least | mean | most |",
        "|---|---|---|---|",
        *(f"| {n} | " + " | ".join(f"{100 * x:.1f}" for x in exact(n)) + " |" for n in SIZES),
    ]
    small, edge = intervals.SMALL, intervals.EDGE
    measures: dict[str, Callable[[], Iterator[str]]] = {
        "shares": lambda: cells("Shares", SHARES, of_shares, options),
        "differences": lambda: cells("Paired differences", GAPS, of_differences, options),
        "curves": lambda: coverage_curves.table(
            max(20, options.runs // 4), options.seed, lambda row: print(row, file=sys.stderr, flush=True)
        ),
    }
    found = {}
    for part, measure in measures.items():
        old = None if part in options.part else kept(options.out, part)
        found[part] = old or ("\n" if part == "curves" else BREAK).join(measure())
    parts = [
        "# How often the intervals hold the truth",
        "Written by `scripts/coverage`; with `--part curves` or another it measures that part anew and keeps the "
        f"others, and `--runs` says how many experiments. {(__doc__ or '').split(BREAK)[1].strip()}",
        "Which interval is used where: right-or-wrong problems alone get Wilson's; clusters and repeats get Wilson's "
        "with the n that gives the variance between clusters, to which one more cluster, all right or all wrong, is "
        f"added; from {small} clusters on, of which the equivalent of {edge:g} are right and as many wrong, and whose "
        "variance has as many degrees of freedom, the bootstrap over clusters. Paired differences get Newcombe's "
        "interval in the same three ways.",
        "An entry reads **coverage** (coverage of the plain percentile bootstrap; mean width), all in percent. "
        "Problems of a cluster, repeats of a problem and the two arms of a difference each share half of their luck.",
        beyond(found["shares"] + BREAK + found["differences"]),
        f"<!-- shares -->{BREAK}{found['shares']}",
        f"<!-- differences -->{BREAK}{found['differences']}",
        f"<!-- exact -->{BREAK}## How far coverage jumps between neighbouring truths",
        "Wilson's interval for right-or-wrong problems, enumerated over truths from 0.1 to 0.9: what lies beyond the "
        "mean is the price of counting whole problems, which no interval of fixed ends avoids.",
        "\n".join(lattice),
        "## Curves, and what is read off them",
        (coverage_curves.__doc__ or "").split(BREAK)[1].strip(),
        READING,
        f"<!-- curves -->{BREAK}{found['curves']}",
    ]
    return BREAK.join(parts) + "\n"


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=4000, help=f"experiments per cell, a multiple of {BATCH}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "intervals.md")
    parser.add_argument("--part", action="append", choices=("shares", "differences", "curves"), help="only this part")
    parser.add_argument("--progress", action="store_true", help="print rows as they come")
    options = parser.parse_args()
    options.part = options.part or ["shares", "differences", "curves"]
    if options.runs < BATCH or options.runs % BATCH:
        parser.error(f"got --runs {options.runs}; it must be a multiple of {BATCH}")
    start = time.perf_counter()
    options.out.write_text(document(options), encoding="utf-8")
    print(f"{options.out} written in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
