-- Each trial's bill against the sum of its calls
-- Grain: one row per ended trial; those that disagree come first.
-- Units: calls, tokens and US dollars; `billed_` from the trial, `summed_` from its calls, grading and failures apart.
-- $experiment_ids VARCHAR[]: experiments
WITH summed AS (
    SELECT trial_id,
           count(*) FILTER (segment = 0) AS calls,
           CASE WHEN count(*) = count(prompt_tokens) THEN CAST(sum(prompt_tokens) AS BIGINT) END AS prompt_tokens,
           CASE WHEN count(*) = count(completion_tokens) THEN CAST(sum(completion_tokens) AS BIGINT)
           END AS completion_tokens,
           CASE WHEN count(*) = count(usd) THEN sum(usd) END AS usd
    FROM calls
    WHERE list_contains($experiment_ids, experiment_id) AND error IS NULL AND role <> 'grade'
    GROUP BY trial_id
),
paired AS (
    SELECT t.experiment_id,
           t.trial_id,
           t.arm,
           t.calls AS billed_calls,
           coalesce(s.calls, 0) AS summed_calls,
           t.prompt_tokens AS billed_prompt_tokens,
           CASE WHEN s.trial_id IS NULL THEN 0 ELSE s.prompt_tokens END AS summed_prompt_tokens,
           t.completion_tokens AS billed_completion_tokens,
           CASE WHEN s.trial_id IS NULL THEN 0 ELSE s.completion_tokens END AS summed_completion_tokens,
           t.usd AS billed_usd,
           CASE WHEN s.trial_id IS NULL THEN 0 ELSE s.usd END AS summed_usd
    FROM trials AS t
    LEFT JOIN summed AS s ON s.trial_id = t.trial_id
    WHERE list_contains($experiment_ids, t.experiment_id)
)
SELECT *,
       billed_calls = summed_calls
           AND billed_prompt_tokens IS NOT DISTINCT FROM summed_prompt_tokens
           AND billed_completion_tokens IS NOT DISTINCT FROM summed_completion_tokens
           AND (billed_usd IS NULL) = (summed_usd IS NULL)
           AND coalesce(abs(billed_usd - summed_usd) <= 1e-9 * greatest(1, abs(billed_usd)), TRUE) AS agrees
FROM paired
ORDER BY agrees, trial_id;
