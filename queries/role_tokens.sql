-- Tokens by role
-- Grain: one row per arm and role of its calls, over trials of complete blocks without errors; grading and failed attempts
--   are apart.
-- Units: tokens and calls summed over trials; tokens NULL where any count is unknown.
-- $experiment_ids VARCHAR[]: experiments
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: only these arms; a failure of another arm then drops no block
SELECT u.experiment_id, u.arm, c.role,
       count(*) FILTER (c.segment = 0) AS calls,
       CASE WHEN count(*) = count(c.prompt_tokens) THEN CAST(sum(c.prompt_tokens) AS BIGINT) END AS prompt_tokens,
       CASE WHEN count(*) = count(c.completion_tokens) THEN CAST(sum(c.completion_tokens) AS BIGINT) END AS completion_tokens,
       count(DISTINCT u.trial_id) AS trials
FROM units_of($experiment_ids, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[])) AS u
JOIN calls AS c ON c.trial_id = u.trial_id
WHERE NOT u.dropped AND c.error IS NULL AND c.role <> 'grade' AND list_contains($experiment_ids, c.experiment_id)
GROUP BY u.experiment_id, u.arm, c.role
ORDER BY u.experiment_id, u.arm, c.role;
