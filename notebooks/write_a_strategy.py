import marimo

app = marimo.App(width="medium", app_title="Write your own strategy")


@app.cell
def _():
    from collections import Counter

    import marimo as mo

    import fourdials as fd
    from fourdials.plugins import Ask, Question, Turns, strategy
    from fourdials.records import Checkpoint

    return Ask, Checkpoint, Counter, Question, Turns, fd, mo, strategy


@app.cell
def _(mo):
    mo.md("""
    # Write your own strategy

    A strategy is a generator: it yields the answer it would give if it were stopped now, each time its dial has gone up
    a notch. One run to the largest level then holds the whole curve. Say at which `level` a deployment first needs a
    call, and the accounting follows.

    The one below samples until one answer has come up twice.
    """)
    return


@app.cell
def _(Ask, Checkpoint, Counter, Question, Turns, strategy):
    @strategy(dial="parallel", unit="samples", levels=(1, 2, 4, 8), source="this notebook")
    async def until_twice(question: Question, ask: Ask, *, agree: int = 2) -> Turns:
        """Sample one answer at a time and stop as soon as one has come up `agree` times."""
        yield Checkpoint(0)
        votes = Counter()
        level, count = 0, 0
        while count < agree:
            level += 1
            reply = await ask(question.answer, role="solve", level=level, temperature=0.8)
            votes.update([reply.answer] if reply.answer else [])
            answer, count = (votes.most_common(1) or [(None, 0)])[0]
            yield Checkpoint(level, answer, final=count >= agree)

    return (until_twice,)


@app.cell
def _(mo):
    mo.md("""
    ## Against a fixed number of votes

    Both run on the same problems with the same simulated model, whose parameters stand in its id, so what is right is
    known; with a real model nothing else changes. A file of this function under `fourdials/strategies/parallel/` makes
    it part of the dashboard.
    """)
    return


@app.cell
def _(fd, until_twice):
    results = fd.execute(
        {
            "name": "Until two agree",
            "seed": 3,
            "model": "sim/solve=0.65,spread=0.3",
            "tasks": [{"name": "graph_path", "problems": 80}],
            "arms": [
                {"strategy": "until_twice", "levels": [1, 2, 4, 8]},
                {"strategy": "majority_vote", "levels": [1, 2, 4, 8]},
            ],
        },
        strategies=[until_twice],
    )
    figure = results.figure(unit="calls")
    figure
    return figure, results


@app.cell
def _(mo, results):
    difference = results.difference("until_twice", "majority_vote", unit="calls")
    _used = results.store.frame("SELECT arm, avg(calls) AS calls FROM trials GROUP BY arm ORDER BY arm")
    spent = dict(_used.iter_rows())
    mo.md(
        f"Within {results.common_reach(['until_twice', 'majority_vote'], unit='calls'):.0f} calls the difference is "
        f"**{difference.value:+.1%}** ({difference.low:+.1%} to {difference.high:+.1%}, {difference.n} problems). Taken "
        f"to its end it used {spent['until_twice']:.2f} calls a problem on average, the fixed vote "
        f"{spent['majority_vote']:.2f}: what stopping early is worth is the spend it leaves."
    )
    return difference, spent


@app.cell
def _(mo):
    mo.md("""
    ## What it asked

    Every call is on record, with its level and what it cost.
    """)
    return


@app.cell
def _(results):
    calls = results.store.frame(
        "SELECT c.trial_id, c.level, c.role, c.reply, c.prompt_tokens, c.completion_tokens FROM calls AS c "
        "JOIN trials AS t USING (trial_id) WHERE t.arm = 'until_twice' ORDER BY c.trial_id, c.level LIMIT 8"
    )
    calls
    return (calls,)


if __name__ == "__main__":
    app.run()
