import marimo

app = marimo.App(width="medium", app_title="Reproduce a claim")


@app.cell
def _():
    import marimo as mo
    import plotly.graph_objects as go

    import fourdials as fd
    from fourdials.estimate import pool

    return fd, go, mo, pool


@app.cell
def _(mo):
    mo.md("""
    # Reproduce a claim

    **C20**: with more samples, a right answer is more and more often among them, and choosing it lags behind
    (Brown et al. 2024, arXiv 2407.21787). Before looking, say what would count: coverage grows with the number of
    samples, and what a majority vote gets out of them lies below it, both with an interval that leaves out 0. Neither
    can come out the other way: coverage never falls, and guesses would do as much. So both count only if coverage also
    lies above what as many guesses would cover, at the most samples of which guesses cover no more than half; if not,
    this run cannot test the claim. If an interval holds 0, the claim is undecided at this n.

    The samples are those of the recorded demonstration: real ones, of a model of 135 million parameters.
    """)
    return


@app.cell
def _(fd, pool):
    results = fd.open()
    run = results.runs().filter(name="Demonstration")["experiment_id"][0]
    samples = results.samples(run)
    pool.pools(samples)
    return results, run, samples


@app.cell
def _(pool, run, samples):
    stored = pool.read(samples, run, "majority_vote")
    coverage = pool.coverage(stored)
    chosen = pool.selection(stored, "majority")
    gap = pool.gap(stored, "majority")
    gap.select("kind", "k", "value", "low", "high", "n", "clusters", "method")
    return chosen, coverage, gap, stored


@app.cell
def _(chosen, coverage, go, stored):
    figure = go.Figure()
    for _name, _rows, _colour in (("coverage", coverage, "#0072b2"), ("majority vote", chosen, "#d55e00")):
        figure.add_scatter(
            x=_rows["k"].to_list(),
            y=_rows["value"].to_list(),
            name=_name,
            mode="lines+markers",
            line={"color": _colour},
            error_y={
                "array": (_rows["high"] - _rows["value"]).to_list(),
                "arrayminus": (_rows["value"] - _rows["low"]).to_list(),
                "thickness": 1,
            },
        )
    figure.update_layout(
        title=f"Recorded run of a real model, {len(stored.cluster)} problems, {stored.samples} samples each",
        xaxis={"title": "samples", "type": "log", "tickvals": coverage["k"].to_list()},
        yaxis={"title": "share of problems, 95 % interval", "tickformat": ".0%"},
    )
    figure
    return (figure,)


@app.cell
def _(mo):
    mo.md("""
    Votes stop at half the samples: resampling more of them out of so few would only show the same votes again.

    ## The verdict, by the rule stated above
    """)
    return


@app.cell
def _(coverage, gap, mo, pool, results, run, stored):
    def side(low, high):
        """Which side of 0 an interval lies on."""
        return "above 0" if low > 0 else "below 0" if high < 0 else "not told from 0"

    most = gap.sort("k").row(-1, named=True)
    one, many = coverage.sort("k").row(0, named=True), coverage.sort("k").row(-1, named=True)
    # Coverage of the same problems can only grow; their intervals not overlapping is more than the claim asks for.
    grows = side(many["low"] - one["high"], many["high"] - one["low"])
    behind = side(most["low"], most["high"])
    chance = results.frame("baselines", experiment_ids=[run]).filter(kind="chance")["value"][0]
    few = max((_k for _k in range(2, most["k"] + 1) if 1 - (1 - chance) ** _k <= 0.5), default=2)
    guesses, held = 1 - (1 - chance) ** few, pool.coverage(stored, [few]).row(0, named=True)
    luck = held["low"] <= guesses
    verdict = (
        "cannot be tested this way"
        if luck
        else "reproduced"
        if grows == behind == "above 0"
        else "not reproduced here"
        if "below 0" in (grows, behind)
        else "undecided at this n"
    )
    mo.md(
        f"- Coverage by 1 sample: {one['value']:.1%} ({one['low']:.1%} to {one['high']:.1%}); by {many['k']}: "
        f"{many['value']:.1%} ({many['low']:.1%} to {many['high']:.1%}). The growth is {grows}.\n"
        f"- With {most['k']} samples the vote lies {most['value']:.1%} behind coverage ({most['low']:.1%} to "
        f"{most['high']:.1%}), {behind}.\n"
        f"- {few} guesses would cover {guesses:.1%}, and {few} samples cover {held['value']:.1%} ({held['low']:.1%} to "
        f"{held['high']:.1%}): {'that may be luck' if luck else 'more than luck'}.\n\n"
        f"**C20: {verdict}**, for this model on these tasks, {most['n']} problems."
    )
    return behind, grows, luck, verdict


@app.cell
def _(results, run):
    results.frame("baselines", experiment_ids=[run])
    return


if __name__ == "__main__":
    app.run()
