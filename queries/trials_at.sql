-- The trials behind a point of a curve
-- Grain: one row per unit (a problem, an arm, a repeat) that the point averages; a unit without an answer by then has score
--   0 and level NULL.
-- Units: spend in $unit; score as a share of 1.
-- $experiment_ids VARCHAR[]: experiments
-- $arm VARCHAR: the arm
-- $unit VARCHAR: total_tokens, usd, completion_tokens, calls, modelled_s, critical_path_s or level
-- $spend DOUBLE: the budget, or with the unit `level` the level
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: the arms compared, as given to `curve_points`
WITH points AS (
    SELECT *
    FROM points_of($experiment_ids, $unit, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[]))
    WHERE arm = $arm
),
standing AS (
    SELECT unit_id,
           any_value(experiment_id) AS experiment_id,
           any_value(task) AS task,
           any_value(problem_id) AS problem_id,
           any_value(arm) AS arm,
           any_value(repeat) AS repeat,
           min(trial_id) AS any_trial_id,
           arg_max(struct_pack(trial_id, level, spend, score, outcome), level) FILTER (spend <= $spend) AS stop
    FROM points
    GROUP BY unit_id
)
SELECT s.experiment_id,
       s.task,
       s.problem_id,
       s.arm,
       s.repeat,
       coalesce(s.stop.trial_id, s.any_trial_id, t.trial_id) AS trial_id,
       s.stop.level AS level,
       s.stop.spend AS spend,
       coalesce(s.stop.score, 0) AS score,
       coalesce(s.stop.outcome, 'unanswered') AS outcome,
       q.question,
       q.reference,
       q.difficulty
FROM standing AS s
LEFT JOIN (SELECT experiment_id, task, problem_id, arm, repeat, min(trial_id) AS trial_id
           FROM trials
           WHERE list_contains($experiment_ids, experiment_id)
           GROUP BY ALL) AS t
       ON t.experiment_id = s.experiment_id AND t.task = s.task AND t.problem_id = s.problem_id AND t.arm = s.arm
      AND t.repeat = s.repeat
LEFT JOIN problems AS q
       ON q.experiment_id = s.experiment_id AND q.task = s.task AND q.problem_id = s.problem_id
ORDER BY s.task, s.problem_id, s.repeat;
