import marimo

app = marimo.App(width="medium", app_title="Allocate a budget")


@app.cell
def _():
    import marimo as mo
    import plotly.graph_objects as go
    import polars as pl

    import fourdials as fd

    return fd, go, mo, pl


@app.cell
def _(mo):
    mo.md("""
    # Allocate a budget

    Some problems are settled by the first sample, some not by sixteen. Given one budget for all of them, who gets more?
    An allocator decides from answers and votes, never from grades. Since every recorded trial holds all its levels, an
    allocator can be replayed over them without a call: it is charged exactly for what it asked for.

    The recorded demonstration comes first, a real run; then a simulated model whose problems differ more.
    """)
    return


@app.cell
def _(fd):
    results = fd.open()
    run = results.runs().filter(name="Demonstration")["experiment_id"][0]
    worth, savings = results.allocations(run=run, arms=["majority_vote"], tasks=["wikiworld"])
    worth.select("policy", "uses_truth", "spent", "value", "low", "high", "n", "unanswered")
    return results, run, savings, worth


@app.cell
def _(go, pl):
    def drawn(worth, title, unit="total tokens"):
        """Accuracy against what was really spent, a line per policy; those that know the truth are dotted bounds."""
        figure = go.Figure()
        for (policy, truth), rows in worth.sort("spent").group_by("policy", "uses_truth", maintain_order=True):
            rows = rows.to_dict(as_series=False)
            above = [high - value for high, value in zip(rows["high"], rows["value"])]
            below = [value - low for low, value in zip(rows["low"], rows["value"])]
            figure.add_scatter(
                x=rows["spent"],
                y=rows["value"],
                name=f"{policy} (knows the truth: a bound)" if truth else policy,
                mode="lines+markers",
                line={"dash": "dot" if truth else "solid"},
                error_y={"array": above, "arrayminus": below, "thickness": 1},
            )
        figure.update_layout(
            title=title,
            xaxis={"title": f"{unit} spent on all problems", "type": "log"},
            yaxis={"title": "mean score, 95 % interval", "tickformat": ".0%"},
            legend={"orientation": "h", "y": -0.3},
        )
        return figure

    def told(savings, unit):
        """A sentence about the policy that saves most, or why none is shown to."""
        blind = savings.filter(~pl.col("uses_truth"))
        shown = blind.filter(pl.col("ratio").is_not_null()).sort("ratio")
        if shown.is_empty():
            return f"In {unit} no policy is shown to save anything: {'; '.join(sorted(set(blind['note'])))}."
        best = shown.row(-1, named=True)
        need = (
            f"at {best['spent']:,.0f} {unit} uniform allocation needs **{best['ratio']:.2f} times** as much for the same "
            f"score ({best['low']:.2f} to {best['high']:.2f}, {best['n']} problems)"
        )
        if best["low"] > 1:
            return f"In {unit} **{best['policy']}** saves most: {need}."
        if best["high"] < 1:
            return f"In {unit} no policy saves; nearest comes **{best['policy']}**: {need}."
        return f"In {unit} the best policy, **{best['policy']}**, is not told apart from uniform: {need}."

    return drawn, told


@app.cell
def _(drawn, worth):
    figure = drawn(worth, f"Votes on wikiworld, recorded run of a real model, {worth['n'][0]} problems")
    figure
    return (figure,)


@app.cell
def _(mo, savings, told):
    mo.md(told(savings, "total tokens"))
    return


@app.cell
def _(mo):
    mo.md("""
    ## Easy and hard problems

    An allocator has something to divide only where more votes help, and help some problems sooner than others. This
    simulated model is right more often than not, and its problems differ (`spread`). Change the numbers and see when
    there is a saving to show.
    """)
    return


@app.cell
def _(fd):
    simulated = fd.execute(
        {
            "name": "Easy and hard problems",
            "seed": 5,
            "model": "sim/solve=0.7,spread=0.15",
            "tasks": [{"name": "graph_path", "problems": 120}],
            "arms": [{"strategy": "majority_vote", "levels": [1, 2, 4, 8, 16]}],
        }
    )
    by_calls, calls_saved = simulated.allocations(unit="calls")
    by_tokens, tokens_saved = simulated.allocations(unit="total_tokens")
    return by_calls, by_tokens, calls_saved, simulated, tokens_saved


@app.cell
def _(by_calls, drawn):
    calls_figure = drawn(by_calls, f"Votes of a simulated model, {by_calls['n'][0]} problems", "samples")
    calls_figure
    return (calls_figure,)


@app.cell
def _(by_tokens, drawn):
    tokens_figure = drawn(by_tokens, f"The same votes of a simulated model in tokens, {by_tokens['n'][0]} problems")
    tokens_figure
    return (tokens_figure,)


@app.cell
def _(calls_saved, mo, told, tokens_saved):
    mo.md(
        f"{told(calls_saved, 'samples')}\n\n{told(tokens_saved, 'total tokens')}\n\n"
        "The unit matters: a fixed number of samples goes out as one request that pays its prompt once, while whoever "
        "decides after every few samples pays the prompt each time. The longer the reply and the shorter the prompt, the "
        "nearer the two are."
    )
    return


if __name__ == "__main__":
    app.run()
