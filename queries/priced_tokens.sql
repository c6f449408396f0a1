-- What each arm's calls took and cost, by model
-- Grain: one row per arm and model of its calls, over trials of complete blocks without errors; grading and failed attempts are
--   apart.
-- Units: tokens and US dollars summed over trials, NULL where any part is unknown; `usd` at list price without caching, `usd_paid`
--   as charged. `paid_known` counts the calls whose charge is known, `first_at` and `last_at` are seconds since the epoch.
-- $experiment_ids VARCHAR[]: experiments
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: only these arms; a failure of another arm then drops no block
WITH kept AS (
    SELECT trial_id, experiment_id, arm, dial
    FROM units_of($experiment_ids, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[]))
    WHERE NOT dropped
),
counted AS (
    SELECT experiment_id, arm, count(*) AS trials FROM kept GROUP BY experiment_id, arm
)
SELECT k.experiment_id, k.arm, any_value(k.dial) AS dial, c.model,
       any_value(n.trials) AS trials,
       count(*) FILTER (c.segment = 0) AS calls,
       CASE WHEN count(*) = count(c.prompt_tokens) THEN CAST(sum(c.prompt_tokens) AS BIGINT) END AS prompt_tokens,
       CASE WHEN count(*) = count(c.cached_tokens) THEN CAST(sum(c.cached_tokens) AS BIGINT) END AS cached_tokens,
       CASE WHEN count(*) = count(c.cache_write_tokens) THEN CAST(sum(c.cache_write_tokens) AS BIGINT)
       END AS cache_write_tokens,
       CASE WHEN count(*) = count(c.completion_tokens) THEN CAST(sum(c.completion_tokens) AS BIGINT)
       END AS completion_tokens,
       CASE WHEN count(*) = count(c.usd) THEN sum(c.usd) END AS usd,
       CASE WHEN count(*) = count(c.usd_paid) THEN sum(c.usd_paid) END AS usd_paid,
       count(c.usd_paid) AS paid_known,
       min(c.started_at) AS first_at,
       max(c.started_at) AS last_at
FROM kept AS k
JOIN counted AS n ON n.experiment_id = k.experiment_id AND n.arm = k.arm
JOIN calls AS c ON c.trial_id = k.trial_id
WHERE c.error IS NULL AND c.role <> 'grade' AND list_contains($experiment_ids, c.experiment_id)
GROUP BY k.experiment_id, k.arm, c.model
ORDER BY k.experiment_id, k.arm, c.model;
