"""Rows of the query `curve_points`, made by hand."""

import polars as pl

POINT = {
    "unit_id": pl.Int64,
    "experiment_id": pl.String,
    "task": pl.String,
    "problem_id": pl.String,
    "cluster_id": pl.String,
    "arm": pl.String,
    "dial": pl.String,
    "strategy": pl.String,
    "access": pl.String,
    "repeat": pl.Int64,
    "spend": pl.Float64,
    "gain": pl.Float64,
    "answered_gain": pl.Int64,
    "max_spend": pl.Float64,
    "finished": pl.Boolean,
}


def points(units):
    """Curve points from units: (arm, problem, repeat, [(spend, score), …]) and, if wanted, cluster, finished, reach."""
    rows = []
    for i, (arm, problem, repeat, stops, *rest) in enumerate(units):
        extra = rest[0] if rest else {}
        unit = {
            "unit_id": i,
            "experiment_id": "e",
            "task": "toy",
            "problem_id": problem,
            "cluster_id": extra.get("cluster", problem),
            "arm": arm,
            "dial": "parallel",
            "strategy": "s",
            "access": "given",
            "repeat": repeat,
            "max_spend": extra.get("max_spend", max((spend for spend, _ in stops), default=0.0)),
            "finished": extra.get("finished", True),
        }
        before = 0.0
        for j, (spend, score) in enumerate(stops):
            rows.append({**unit, "spend": float(spend), "gain": score - before, "answered_gain": int(j == 0)})
            before = score
        if not stops:
            rows.append({**unit, "spend": None, "gain": 0.0, "answered_gain": None})
    return pl.DataFrame(rows, schema=POINT)


def many(arm, scores, cluster_size=1, spend=10.0):
    return [(arm, f"p{i}", 0, [(spend, s)], {"cluster": f"c{i // cluster_size}"}) for i, s in enumerate(scores)]
