-- What each arm's calls took and cost, by problem and model
-- Grain: one row per arm, problem and model of its calls, over trials of complete blocks without errors; grading and failed
--   attempts are apart. A problem without any such call has a row whose model is NULL and whose counts are 0.
-- Units: tokens and US dollars summed over the problem's `trials`, NULL where any part is unknown; `usd` at list price without
--   caching, `usd_paid` as charged.
-- $experiment_ids VARCHAR[]: experiments
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: only these arms; a failure of another arm then drops no block
WITH kept AS (
    SELECT trial_id, experiment_id, arm, task, problem_id, cluster_id
    FROM units_of($experiment_ids, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[]))
    WHERE NOT dropped
),
counted AS (
    SELECT experiment_id, arm, task, problem_id, count(*) AS trials FROM kept GROUP BY experiment_id, arm, task, problem_id
),
taken AS (
    SELECT trial_id, model, segment, prompt_tokens, cached_tokens, cache_write_tokens, completion_tokens, usd, usd_paid
    FROM calls
    WHERE error IS NULL AND role <> 'grade' AND list_contains($experiment_ids, experiment_id)
)
SELECT k.experiment_id, k.arm, k.task, k.problem_id, any_value(k.cluster_id) AS cluster_id, c.model,
       any_value(n.trials) AS trials,
       count(c.trial_id) FILTER (c.segment = 0) AS calls,
       CASE WHEN count(c.trial_id) = count(c.prompt_tokens) THEN CAST(coalesce(sum(c.prompt_tokens), 0) AS BIGINT)
       END AS prompt_tokens,
       CASE WHEN count(c.trial_id) = count(c.cached_tokens) THEN CAST(coalesce(sum(c.cached_tokens), 0) AS BIGINT)
       END AS cached_tokens,
       CASE WHEN count(c.trial_id) = count(c.cache_write_tokens)
            THEN CAST(coalesce(sum(c.cache_write_tokens), 0) AS BIGINT) END AS cache_write_tokens,
       CASE WHEN count(c.trial_id) = count(c.completion_tokens) THEN CAST(coalesce(sum(c.completion_tokens), 0) AS BIGINT)
       END AS completion_tokens,
       CASE WHEN count(c.trial_id) = count(c.usd) THEN coalesce(sum(c.usd), 0) END AS usd,
       CASE WHEN count(c.trial_id) = count(c.usd_paid) THEN coalesce(sum(c.usd_paid), 0) END AS usd_paid
FROM kept AS k
JOIN counted AS n ON n.experiment_id = k.experiment_id AND n.arm = k.arm AND n.task = k.task AND n.problem_id = k.problem_id
LEFT JOIN taken AS c ON c.trial_id = k.trial_id
GROUP BY k.experiment_id, k.arm, k.task, k.problem_id, c.model
ORDER BY k.experiment_id, k.arm, k.task, k.problem_id, c.model;
