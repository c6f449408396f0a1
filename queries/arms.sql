-- Arms of experiments, with how far each has come
-- Grain: one row per arm of each experiment.
-- Units: counts of trials; levels in the arm's own unit.
-- $experiment_ids VARCHAR[]: experiments
WITH ended AS (
    SELECT experiment_id, arm, count(*) AS trials_done, count(DISTINCT problem_id) AS problems, any_value(model) AS model
    FROM trials
    WHERE list_contains($experiment_ids, experiment_id)
    GROUP BY experiment_id, arm
)
SELECT a.experiment_id, a.arm, a.strategy, a.dial, a.unit, a.nested, a.access, a.levels, a.knobs, a.lineup, a.share,
       a.tasks,
       coalesce(a.uses_truth, false) AS uses_truth,
       coalesce(e.model, a.lineup ->> '$.solver') AS model,
       coalesce(e.trials_done, 0) AS trials_done,
       coalesce(e.problems, 0) AS problems
FROM arms AS a
LEFT JOIN ended AS e ON e.experiment_id = a.experiment_id AND e.arm = a.arm
WHERE list_contains($experiment_ids, a.experiment_id)
ORDER BY a.experiment_id, a.dial, a.arm;
