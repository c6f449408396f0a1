-- What each trial scored and what it used
-- Grain: one row per trial of complete blocks without errors.
-- Units: score as a share of 1; tokens, calls, searches and environment steps counted over the bill; NULL where unknown.
--   `cap` is the tokens the trial was allowed where that was drawn at random, NULL where it was not. `calibrated` trials are
--   those whose grade the allocator was shown.
-- $experiment_ids VARCHAR[]: experiments
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: only these arms; a failure of another arm then drops no block
SELECT u.experiment_id, u.arm, u.strategy, u.dial, t.model, u.task, u.problem_id, u.cluster_id, u.difficulty, u.repeat,
       u.trial_id, u.max_level, t.level, u.stop_reason,
       coalesce(u.score, 0) AS score,
       t.prompt_tokens + t.completion_tokens AS total_tokens,
       t.calls,
       t.searches + t.env_steps AS tool_calls,
       t.usd,
       t.cap_tokens AS cap,
       s.shown_id IS NOT NULL AS calibrated
FROM units_of($experiment_ids, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[])) AS u
JOIN trials AS t ON t.trial_id = u.trial_id
LEFT JOIN (SELECT DISTINCT trial_id AS shown_id FROM steps WHERE kind = 'calibration') AS s ON s.shown_id = u.trial_id
WHERE NOT u.dropped
ORDER BY u.experiment_id, u.arm, u.task, u.problem_id, u.repeat, u.trial_id;
