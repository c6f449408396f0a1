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

    The recorded demonstration comes first, a real run; then a simulated model on which there is more to gain.
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
    def drawn(worth, title):
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
            xaxis={"title": "total tokens spent on all problems", "type": "log"},
            yaxis={"title": "mean score, 95 % interval", "tickformat": ".0%"},
            legend={"orientation": "h", "y": -0.3},
        )
        return figure

    def best_saving(savings):
        """The largest saving that is shown, as a row; None if none is."""
        shown = savings.filter(pl.col("ratio").is_not_null() & ~pl.col("uses_truth"))
        return shown.sort("ratio").row(-1, named=True) if shown.height else None

    def told(savings):
        """A sentence about the largest saving."""
        best = best_saving(savings)
        if best is None:
            return "Here no policy that does not know the truth is shown to save anything: " + "; ".join(
                sorted(set(savings.filter(~pl.col("uses_truth"))["note"].drop_nulls()))
            )
        return (
            f"The largest saving shown is of **{best['policy']}** at {best['spent']:,.0f} tokens: uniform allocation "
            f"needs {best['ratio']:.2f} times as much for the same score ({best['low']:.2f} to {best['high']:.2f}, "
            f"{best['n']} problems)."
        )

    return best_saving, drawn, told


@app.cell
def _(drawn, worth):
    figure = drawn(worth, f"Votes on wikiworld, recorded run of a real model, {worth['n'][0]} problems")
    figure
    return (figure,)


@app.cell
def _(mo, savings, told):
    mo.md(told(savings))
    return


@app.cell
def _(mo):
    mo.md("""
    ## Where there is more to gain

    A small model that is hardly better with more votes leaves an allocator nothing to divide. This simulated one
    is: most problems are easy for it, some are hard (`spread`), and votes help where it is better than chance.
    """)
    return


@app.cell
def _(fd):
    simulated = fd.execute(
        {
            "name": "Easy and hard problems",
            "seed": 5,
            "model": "sim/solve=0.65,spread=0.35",
            "tasks": [{"name": "graph_path", "problems": 120}],
            "arms": [{"strategy": "independent", "levels": [1, 2, 4, 8, 16]}],
        }
    )
    sim_worth, sim_savings = simulated.allocations()
    return sim_savings, sim_worth, simulated


@app.cell
def _(drawn, sim_worth):
    sim_figure = drawn(sim_worth, f"Votes of a simulated model, {sim_worth['n'][0]} problems")
    sim_figure
    return (sim_figure,)


@app.cell
def _(mo, sim_savings, told):
    mo.md(told(sim_savings))
    return


if __name__ == "__main__":
    app.run()
