import marimo

app = marimo.App(width="medium", app_title="First curve")


@app.cell
def _():
    import marimo as mo

    import fourdials as fd

    return fd, mo


@app.cell
def _(mo):
    mo.md("""
    # First curve

    A run is many problems tried in several ways. Each way, an *arm*, turns one dial: it samples more, thinks longer,
    searches more or acts more. Its curve says what score it reaches within a budget. This notebook opens the recorded
    demonstration, a real run of a small model, and draws its curves.
    """)
    return


@app.cell
def _(fd):
    results = fd.open()
    results.runs().select("name", "provenance", "origin", "tasks", "models", "trials_done")
    return (results,)


@app.cell
def _(results):
    run = results.runs().filter(name="Demonstration")["experiment_id"][0]
    figure = results.figure(run)
    figure
    return figure, run


@app.cell
def _(mo):
    mo.md("""
    Tokens are all that were read or written, by every call an answer needs, so that arms that search or act
    again and again are charged for every prompt. The frame behind the figure has the interval, how it was made, and
    how many problems it rests on.
    """)
    return


@app.cell
def _(results, run):
    curve = results.curve(run)
    ends = curve.filter(~curve["censored"]).sort("spend").group_by("arm", maintain_order=True).last()
    ends.select("arm", "dial", "spend", "value", "low", "high", "n", "method").sort("value", descending=True)
    return curve, ends


@app.cell
def _(ends, mo):
    _best, _last = (ends.sort("value", descending=True).row(place, named=True) for place in (0, -1))
    mo.md(
        f"At the end of its curve **{_best['arm']}** scores {_best['value']:.0%} ({_best['low']:.0%} to "
        f"{_best['high']:.0%}) for {_best['spend']:,.0f} tokens a problem, **{_last['arm']}** {_last['value']:.0%} "
        f"({_last['low']:.0%} to {_last['high']:.0%}) for {_last['spend']:,.0f}. The ends lie at different budgets: to "
        "compare arms, choose one budget, as the next notebook does."
    )
    return


@app.cell
def _(mo):
    mo.md("""
    ## A run of your own

    `fd.execute` runs a small experiment here. The model below is simulated: it answers right with the probability in
    its id, so there is no key and nothing to wait for, and figures say so. Put `local/smollm2-135m`, or any hosted
    model whose key is set, in its place to make it real.
    """)
    return


@app.cell
def _(fd):
    mine = fd.execute(
        {
            "name": "Votes of a simulated model",
            "seed": 1,
            "model": "sim/solve=0.6,spread=0.3",
            "tasks": [{"name": "graph_path", "problems": 60}],
            "arms": [{"strategy": "single"}, {"strategy": "majority_vote", "levels": [1, 3, 5, 9, 15]}],
        }
    )
    my_figure = mine.figure(unit="calls")
    my_figure
    return mine, my_figure


if __name__ == "__main__":
    app.run()
