"""Benches about looking: doors and maps, searches that find and distract, notes, and texts that are read again."""

from __future__ import annotations

import numpy as np

from fourdials import theory
from fourdials.bench.records import Bench, Knob, Played, lines
from fourdials.figures.numbers import count, percent, plain

MOST_HOPS = 4  # of the mixture that the bench of searches averages over


def looked(junctions: float, doors: float, price: float, slip: float) -> Played:
    """Looking against thinking, with the map hidden and with the map shown, at equal spend."""
    ways, each, dear = int(junctions), int(doors), int(price)
    spend = np.arange(0, ways * each * dear + 1)
    found = theory.doors_tried(ways, each, spend // dear)
    reasoned = (1 - slip) ** ways * theory.doors_tried(ways, each, spend)
    guessed = 1 / each**ways
    frame = lines(
        ("map hidden: look", "line", spend, found),
        ("map hidden: think", "dash", spend, np.full(len(spend), guessed)),
        ("map shown: look", "dash", spend, found),
        ("map shown: think", "line", spend, reasoned),
    )
    half = len(spend) // 2
    reading = (
        f"With the map hidden no thought shows which of {each} doors leads on at {ways} junctions: it guesses all of "
        f"them {_small(guessed)} of the time, however long. At half of the spend drawn here, looking has found the way "
        f"{percent(found[half])} of the time. With the map in view the lead of looking is gone: a look "
        f"shows nothing new and costs {dear} times a thought, which has found it {percent(reasoned[half])} of the time."
    )
    return Played(frame, reading)


def searched(hops: float, recall: float, distraction: float, most: float) -> Played:
    """Right answers by the number of searches: a question of so many hops, a mixture, and no distraction."""
    number = np.arange(0, int(most) + 1)
    clean = theory.searches(int(hops), number, recall)
    found = theory.searches(int(hops), number, recall, distraction, 2)
    mixed = np.mean([theory.searches(h, number, recall, distraction, 2) for h in range(1, MOST_HOPS + 1)], axis=0)
    frame = lines(
        ("passages found", "dash", number, clean),
        ("answered", "line", number, found),
        (f"answered, 1 to {MOST_HOPS} hops mixed", "line", number, mixed),
    )
    best = int(found.argmax())
    reading = (
        f"Questions of {int(hops)} hops are answered best after {best} searches, {percent(found[best])} of the time; "
        f"after {number[-1]} it is {percent(found[-1])}, although the passages are there {percent(clean[-1])} of "
        f"the time. Without distraction the curve only rises and flattens."
    )
    return Played(frame, reading)


def handed_over(facts: float, needed: float, foresight: float, words: float) -> Played:
    """How often a note of so many tokens holds all that the question needs."""
    total, size = int(facts), int(words)
    wanted = min(int(needed), total)
    kept = np.arange(0, total + 1)
    tokens = kept * size
    blind, knowing = theory.facts_kept(total, wanted, kept), theory.facts_kept(total, wanted, kept, 1.0)
    mixed = theory.facts_kept(total, wanted, kept, foresight)
    frame = lines(
        ("writer knows the question", "dash", tokens, knowing),
        ("writer does not", "dash", tokens, blind),
        (f"knows it {percent(foresight)} of the time", "line", tokens, mixed),
    )
    third = kept[int(np.ceil(0.3 * total))]
    lost = 1 - float(theory.facts_kept(total, wanted, int(third), foresight))
    reading = (
        f"Handing over everything takes {count(tokens[-1])} tokens. A note of {count(third * size)}, about a third, "
        f"misses something "
        f"that is needed {percent(lost)} of the time; written by somebody who knows the question it "
        f"{'misses nothing' if third >= wanted else 'is still too short'}, and by somebody who does not it misses "
        f"something {percent(1 - float(blind[third]))} of the time."
    )
    return Played(frame, reading)


def apart(question: float, found: float, evidence: float, most: float) -> Played:
    """Prompt tokens of one growing context and of a planner with searchers, by the number of searches."""
    number = np.arange(1, int(most) + 1)
    one, several = theory.one_context(number, question, found), theory.planned(number, question, found, evidence)
    frame = lines(
        ("one growing context", "dash", number, one), ("planner, searchers, synthesis", "line", number, several)
    )
    cheaper = number[several < one]
    reading = (
        f"At {number[-1]} searches the one context has read {count(one[-1])} tokens, the planner and its searchers "
        f"{count(several[-1])} ({several[-1] / one[-1]:.2f} times as many). "
    )
    reading += (
        f"Apart is cheaper from {cheaper[0]} searches on: what was found is read once, and only evidence is read again."
        if len(cheaper)
        else "Apart is never cheaper here: evidence is as long as what it was taken from, or questions are long."
    )
    return Played(frame, reading)


def pruned(branch: float, most: float, cached: float) -> Played:
    """The longest prompt and what all prompts cost, with a full transcript and with conclusions."""
    steps = int(most)
    shown = theory.open_entries(steps, int(branch))
    longest, number = np.maximum.accumulate(shown), np.arange(steps + 1)
    frame = lines(
        ("everything", "dash", number, number),
        ("conclusions only: longest so far", "line", number, longest),
        ("conclusions only: at this step", "dash", number, shown),
    )
    read_whole, read_pruned = float(number[:-1].sum()), float(shown[:-1].sum())
    # Of a growing transcript all but the newest entry was read before; a tree's prompt changes near its end only.
    paid_whole = float((np.maximum(number[:-1] - 1, 0) * cached + np.minimum(number[:-1], 1)).sum())
    reading = (
        f"After {steps} steps the full transcript has {count(steps)} entries; conclusions alone never showed more than "
        f"{longest[-1]}. All prompts together have {count(read_pruned)} entries instead of {count(read_whole)}. At "
        f"{plain(cached)} of the price for what was read before, the full transcript costs as much as "
        f"{count(paid_whole)} fresh entries, so pruning "
        f"{'still saves' if read_pruned < paid_whole else 'saves nothing'} even if none of its prompts is cached."
    )
    return Played(frame, reading)


def _small(value: float) -> str:
    """A share of 1, or one in so many where it is below one in a thousand."""
    return percent(value) if value >= 1e-3 else f"once in {count(1 / value)}"


LOOKS = Bench(
    name="looks",
    title="Look or think",
    question="What does a step show that a thought cannot?",
    formula=r"\begin{gathered} S_d = U_1+\dots+U_d, \quad U_i \sim \{1,\dots,b\} \\ "
    r"\text{look: } P(S_d \le s/c) \\ \text{think, hidden: } b^{-d} \\ "
    r"\text{think, shown: } (1-e)^d\, P(S_d \le s) \end{gathered}",
    source="Our derivation, for the claim of Shen et al. 2025, arXiv 2506.07976",
    assumes="At each junction one door leads on, any of them alike; a door is opened once; on a map a thought checks "
    "doors in the same way, and errs at a junction now and then.",
    knobs=(
        Knob("junctions", "Junctions d", 1, 12, 4, 1),
        Knob("doors", "Doors b at each", 2, 8, 3, 1),
        Knob("price", "A look costs so many thoughts (c)", 1, 10, 3, 1),
        Knob("slip", "Thought errs at a junction (e)", 0.0, 0.5, 0.05),
    ),
    play=looked,
    x="spend, in doors thought about",
    y="the way is found",
)
SEARCHES = Bench(
    name="searches",
    title="Searches that find and distract",
    question="When does one more search hurt?",
    formula=r"\begin{gathered} P(X \ge h)\,(1-\delta)^{S g - h} \\ "
    r"X \sim \mathrm{Bin}(S, q), \quad g = 2 \end{gathered}",
    source="Our derivation; accuracy that peaks at a middling cost: arXiv 2604.22750",
    assumes="Each search finds the next passage with the same probability; each other passage misleads on its own.",
    knobs=(
        Knob("hops", "Hops h of a question", 1, 8, 2, 1),
        Knob("recall", "A search finds what is next (q)", 0.05, 1.0, 0.6),
        Knob("distraction", "A useless passage misleads (δ)", 0.0, 0.3, 0.03),
        Knob("most", "Searches, at most", 4, 40, 16, 1),
    ),
    play=searched,
    x="searches",
    y="right answers",
)
NOTES = Bench(
    name="notes",
    title="What a note keeps",
    question="How short may a hand-over be?",
    formula=r"\kappa\,[m \ge r] + (1-\kappa)\, \binom{F-r}{m-r} \Big/ \binom{F}{m}",
    source="Hypergeometric; our derivation, for the claim of LatentMAS, arXiv 2511.20639, in its version in text",
    assumes="Facts are of one length; a question needs some of them, and all of these; nothing is read wrongly.",
    knobs=(
        Knob("facts", "Facts F that the reader found", 2, 40, 16, 1),
        Knob("needed", "Needed r of them", 1, 8, 2, 1),
        Knob("foresight", "Writer knows the question (κ)", 0.0, 1.0, 0.5),
        Knob("words", "Tokens of a fact", 4, 40, 12, 1),
    ),
    play=handed_over,
    x="tokens handed over",
    y="nothing needed is missing",
)
APART = Bench(
    name="apart",
    title="Who reads it again",
    question="What does one growing context pay for?",
    formula=r"\begin{gathered} \text{one: } S q + g\,\tfrac{S(S+1)}{2} \\ "
    r"\text{apart: } S q + e\,\tfrac{S(S-1)}{2} \\ {} + S g + q + S e \end{gathered}",
    source="Counted from the strategies retrieve and plan_and_retrieve; the claim: HierSearch, arXiv 2508.08088",
    assumes="Every search brings as many tokens; replies are short; what is read is paid for each time.",
    knobs=(
        Knob("question", "Tokens of question and instructions (q)", 10, 500, 60, 10),
        Knob("found", "Tokens a search brings (g)", 10, 2000, 300, 10),
        Knob("evidence", "Tokens of evidence handed back (e)", 5, 500, 30, 5),
        Knob("most", "Searches, at most", 2, 32, 12, 1),
    ),
    play=apart,
    x="searches (a hop takes one)",
    y="prompt tokens in all",
    percent=False,
)
PRUNED = Bench(
    name="pruned",
    title="Conclusions instead of transcripts",
    question="How long does the longest prompt get?",
    formula=r"\begin{gathered} \text{lines after } n \text{ steps:} \\ \text{digit sum of } n \text{ in base } b \\ "
    r"\le (b-1)\lceil\log_b(n+1)\rceil \end{gathered}",
    source="Trees of Luo et al. 2025, arXiv 2507.16784; count: our derivation for the strategy subtask_tree",
    assumes="Entries and conclusions are of one length; a conclusion is written at no cost and keeps what matters.",
    knobs=(
        Knob("branch", "Subtasks to a conclusion (b)", 2, 16, 4, 1),
        Knob("most", "Steps", choices=(16, 64, 128, 256, 512, 1024), at=256),
        Knob("cached", "Price of what was read before", 0.0, 1.0, 0.1, 0.05),
    ),
    play=pruned,
    x="steps done",
    y="entries in the prompt",
    percent=False,
)
