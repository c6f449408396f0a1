"""Tree search that decides at each node whether to go wider or deeper."""

from __future__ import annotations

from typing import Any

from fourdials.plugins import Ask, Question, Turns
from fourdials.strategies.search._tree import Judge, Opinions, Reliability, Temperature, Thought, grow, tree_search


@tree_search(source="AB-MCTS: Inoue et al. 2025, arXiv 2503.04412; by treequest")
def ab_mcts(
    question: Question,
    ask: Ask,
    *,
    temperature: Temperature = 0.8,
    verifier: Judge = "model",
    opinions: Opinions = 1,
    reliability: Reliability = 1.0,
    thought_tokens: Thought = 0,
) -> Turns:
    """Decide by Thompson sampling whether to sample a fresh answer or improve one that is there, one node at a time.

    Spends one answer and `opinions` verifier calls per level; the checker costs nothing and marks the curve as using
    the truth. With `thought_tokens` a level is a piece of thought instead, judged unfinished. Width and depth adapt to
    the scores seen. Wins where it is not known beforehand which of the two helps; loses to the better one of them by
    what it spends on finding out, and to both where the scorer is noisy.
    """

    def algorithm() -> Any:
        from treequest import ABMCTSA

        return ABMCTSA(dist_type="beta")

    return grow(question, ask, algorithm, temperature, verifier, opinions, reliability, thought_tokens)
