-- The answers standing at a spend, of all arms compared
-- Grain: one row per unit (a problem, an arm, a repeat) of complete blocks; a unit without an answer by then has score 0 and
--   level and answer NULL.
-- Units: spend in $unit; score as a share of 1.
-- $experiment_ids VARCHAR[]: experiments
-- $unit VARCHAR: total_tokens, usd, completion_tokens, calls, modelled_s, critical_path_s or level
-- $spend DOUBLE: the budget, or with the unit `level` the level
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: the arms compared, as given to `curve_points`
WITH standing AS (
    SELECT unit_id, experiment_id, task, problem_id, cluster_id, arm, repeat,
           min(trial_id) AS any_trial_id,
           arg_max(struct_pack(trial_id, level, spend, score, outcome), level) FILTER (spend <= $spend) AS stop
    FROM points_of($experiment_ids, $unit, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[]))
    GROUP BY ALL
),
answered AS (  -- the last answer of each level; a trial of an arm that is not nested stands at its last answer
    SELECT s.unit_id, arg_max(c.answer, c.seq) AS answer
    FROM standing AS s
    JOIN checkpoints AS c ON c.trial_id = s.stop.trial_id
    JOIN trials AS t ON t.trial_id = c.trial_id AND (NOT t.nested OR c.level = s.stop.level)
    GROUP BY s.unit_id
)
SELECT s.unit_id, s.experiment_id, s.task, s.problem_id, s.cluster_id, s.arm, s.repeat,
       coalesce(s.stop.trial_id, s.any_trial_id, t.trial_id) AS trial_id,
       s.stop.level AS level,
       s.stop.spend AS spend,
       a.answer,
       coalesce(s.stop.score, 0) AS score,
       coalesce(s.stop.outcome, 'unanswered') AS outcome,
       q.question,
       q.reference
FROM standing AS s
LEFT JOIN answered AS a ON a.unit_id = s.unit_id
LEFT JOIN (SELECT experiment_id, task, problem_id, arm, repeat, min(trial_id) AS trial_id
           FROM trials
           WHERE list_contains($experiment_ids, experiment_id)
           GROUP BY ALL) AS t
       ON t.experiment_id = s.experiment_id AND t.task = s.task AND t.problem_id = s.problem_id AND t.arm = s.arm
      AND t.repeat = s.repeat
LEFT JOIN problems AS q
       ON q.experiment_id = s.experiment_id AND q.task = s.task AND q.problem_id = s.problem_id
ORDER BY s.task, s.problem_id, s.arm, s.experiment_id, s.repeat;
