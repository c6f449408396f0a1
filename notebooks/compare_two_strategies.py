import marimo

app = marimo.App(width="medium", app_title="Compare two strategies properly")


@app.cell
def _():
    import marimo as mo
    import plotly.graph_objects as go

    import fourdials as fd
    from fourdials.estimate.differences import difference_curve, flips

    return difference_curve, fd, flips, go, mo


@app.cell
def _(mo):
    mo.md("""
    # Compare two strategies properly

    Two curves that look apart may not be. Three things decide: equal spend, the same problems, and enough of them.
    Here: votes against one step at a time, on the recorded demonstration.
    """)
    return


@app.cell
def _(fd):
    results = fd.open()
    run = results.runs().filter(name="Demonstration")["experiment_id"][0]
    first, second = "stepwise", "majority_vote"
    return first, results, run, second


@app.cell
def _(first, results, run, second):
    reach = results.common_reach([first, second], run)
    difference = results.difference(first, second, reach, run)
    difference
    return difference, reach


@app.cell
def _(difference, first, mo, reach, second):
    _needed = f" About {difference.n_needed} problems would settle it." if difference.n_needed else ""
    _verdict = "the data tell them apart" if difference.distinguishable else f"too close to call.{_needed}"
    mo.md(
        f"Within {reach:,.0f} tokens a problem, {first} minus {second} is **{difference.value:+.1%}** "
        f"(95 % interval {difference.low:+.1%} to {difference.high:+.1%}; {difference.method}; {difference.n} problems). "
        f"{first} is better on {difference.a_better} problems, {second} on {difference.b_better}; {difference.test} "
        f"gives p = {difference.p:.3f}: {_verdict}"
    )
    return


@app.cell
def _(mo):
    mo.md("""
    ## At every budget, and on each task

    One budget can be chosen to please. The difference over all budgets cannot; each interval is for its own budget,
    not for all at once.
    """)
    return


@app.cell
def _(difference_curve, first, results, run, second):
    _sides = [results.points(run, arms=[arm]) for arm in (first, second)]
    _budgets = sorted({spend for side in _sides for spend in side["spend"].drop_nulls()})
    over_budgets = difference_curve(*_sides, _budgets[:: max(1, len(_budgets) // 60)])
    over_budgets
    return (over_budgets,)


@app.cell
def _(go, over_budgets):
    _rows = over_budgets.to_dict(as_series=False)
    _band = {"mode": "lines", "line": {"width": 0}, "showlegend": False, "hoverinfo": "skip"}
    gap_figure = go.Figure(
        [
            go.Scatter(x=_rows["spend"], y=_rows["low"], **_band),
            go.Scatter(x=_rows["spend"], y=_rows["high"], fill="tonexty", fillcolor="rgba(0,114,178,0.2)", **_band),
            go.Scatter(x=_rows["spend"], y=_rows["value"], mode="lines", line={"color": "#0072b2"}, name="difference"),
        ]
    )
    gap_figure.add_hline(0, line_dash="dot")
    gap_figure.update_layout(
        title=f"Stepwise minus votes, recorded run of a real model, {over_budgets['n'][0]} problems",
        xaxis_title="total tokens a problem",
        yaxis={"title": "difference in score, 95 % interval", "tickformat": "+.0%"},
    )
    gap_figure
    return (gap_figure,)


@app.cell
def _(first, results, run, second):
    by_task = {
        task: results.difference(first, second, run=run, tasks=[task])
        for task in results.runs().filter(experiment_id=run)["tasks"][0]
    }
    [
        {"task": task, "difference": found.value, "low": found.low, "high": found.high, "n": found.n, "p": found.p}
        for task, found in by_task.items()
    ]
    return (by_task,)


@app.cell
def _(mo):
    mo.md("""
    ## Which problems flipped

    Behind a difference stand single problems. Reading ten of them teaches more than a second decimal.
    """)
    return


@app.cell
def _(first, flips, reach, results, run, second):
    _answers = results.frame(
        "answers_at", experiment_ids=[run], unit="total_tokens", spend=reach, arms=[first, second]
    )
    flipped = flips(_answers.filter(arm=first), _answers.filter(arm=second))
    flipped
    return (flipped,)


@app.cell
def _(mo):
    mo.md("""
    ## What the method says where nothing differs

    The same simulated model under two names of one strategy: any difference is chance, and 95 of 100 such
    intervals hold 0. Another seed gives another draw.
    """)
    return


@app.cell
def _(fd):
    _arm = {"strategy": "majority_vote", "levels": [1, 3]}
    control = fd.execute(
        {
            "name": "The same twice",
            "seed": 7,
            "model": "sim/solve=0.6",
            "tasks": [{"name": "graph_path", "problems": 80}],
            "arms": [{**_arm, "name": "one"}, {**_arm, "name": "other"}],
        }
    )
    nothing = control.difference("one", "other")
    nothing
    return control, nothing


if __name__ == "__main__":
    app.run()
