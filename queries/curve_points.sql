-- Where each problem's answer stands as spend grows
-- Grain: one row per useful stop of each unit (a problem, an arm, a repeat) of complete blocks no allocator calibrated on; a unit that never answered
--   has one row whose level and spend are NULL and gain 0. Stops that a later level reaches at equal or lower spend are left
--   out, so the score at budget b is the sum of `gain` where spend <= b.
-- Units: spend and max_spend in $unit; score, gain and answered_gain as shares of 1.
-- $experiment_ids VARCHAR[]: experiments
-- $unit VARCHAR: total_tokens, usd, completion_tokens, calls, modelled_s, critical_path_s or level
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: only these arms; a failure of another arm then drops no block
SELECT unit_id, experiment_id, task, problem_id, cluster_id, arm, dial, strategy, access, repeat, trial_id, level, outcome,
       score, spend, gain, answered_gain, max_spend, finished
FROM points_of($experiment_ids, $unit, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[]))
ORDER BY unit_id, spend;
