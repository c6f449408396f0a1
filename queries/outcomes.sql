-- How trials ended, by arm
-- Grain: one row per outcome that occurred in each arm.
-- Units: count of ended trials; share of the arm's ended trials. Errors are counted here though they are never scored.
--   `stopped` are those the allocator granted no more, `calibrated` those whose grade it was shown.
-- $experiment_ids VARCHAR[]: experiments
-- $tasks VARCHAR[] optional: only these tasks
SELECT experiment_id,
       arm,
       any_value(dial) AS dial,
       outcome,
       count(*) AS trials,
       count(*) FILTER (stop_reason = 'stopped') AS stopped,
       count(shown_id) AS calibrated,
       count(*) / sum(count(*)) OVER (PARTITION BY experiment_id, arm) AS share
FROM trials
LEFT JOIN (SELECT DISTINCT trial_id AS shown_id FROM steps WHERE kind = 'calibration') ON shown_id = trial_id
WHERE list_contains($experiment_ids, experiment_id)
  AND (CAST($tasks AS VARCHAR[]) IS NULL OR list_contains(CAST($tasks AS VARCHAR[]), task))
GROUP BY experiment_id, arm, outcome
ORDER BY experiment_id, arm, outcome;
