-- What each trial scored and what it used
-- Grain: one row per trial of complete blocks without errors.
-- Units: score as a share of 1; tokens, calls, searches and environment steps counted over the bill; NULL where unknown.
--   `cap` is the most tokens the trial could have used by its arm's highest level, NULL where nobody set one.
-- $experiment_ids VARCHAR[]: experiments
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: only these arms; a failure of another arm then drops no block
SELECT u.experiment_id, u.arm, u.strategy, u.dial, t.model, u.task, u.problem_id, u.cluster_id, u.difficulty, u.repeat,
       u.trial_id, u.max_level, u.stop_reason,
       coalesce(u.score, 0) AS score,
       t.prompt_tokens + t.completion_tokens AS total_tokens,
       t.calls,
       t.searches + t.env_steps AS tool_calls,
       t.usd,
       CAST(e.spec ->> '$.trial_budget.total_tokens' AS BIGINT) AS cap
FROM units_of($experiment_ids, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[])) AS u
JOIN trials AS t ON t.trial_id = u.trial_id
JOIN experiments AS e ON e.experiment_id = u.experiment_id
WHERE NOT u.dropped
ORDER BY u.experiment_id, u.arm, u.task, u.problem_id, u.repeat, u.trial_id;
