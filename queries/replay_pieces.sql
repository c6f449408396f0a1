-- What each request of a trial cost, level by level
-- Grain: one row per trial, request and level.
-- Units: paid and again in $unit. `paid` is what the request's samples or cuts entering at this level cost. `again` is what
--   has to be paid once more where an allocator cuts the request in two above this level: the prompt of samples that are
--   asked for later, and the whole beginning of a thought. NULL where a token count or price is unknown.
-- $experiment_ids VARCHAR[]: experiments
-- $unit VARCHAR: total_tokens, usd or calls
-- $tasks VARCHAR[] optional: only trials of these tasks
-- $arms VARCHAR[] optional: only trials of these arms
WITH paid AS (
    SELECT trial_id,
           request_id,
           level,
           segment,
           prompt_tokens,
           completion_tokens,
           CASE $unit
                WHEN 'total_tokens' THEN CAST(prompt_tokens + completion_tokens AS DOUBLE)
                WHEN 'usd' THEN usd
                WHEN 'calls' THEN CAST(segment = 0 AS DOUBLE)
                ELSE CAST(error('unit must be one of total_tokens, usd, calls') AS DOUBLE) END AS amount,
           max(segment) OVER request > 0 AS thought,
           -- The row with the prompt also holds its own completion, at the price per token of the others.
           CASE $unit
                WHEN 'total_tokens' THEN CAST(prompt_tokens AS DOUBLE)
                WHEN 'usd' THEN CASE WHEN prompt_tokens = 0 THEN 0
                     ELSE usd - completion_tokens * coalesce(
                         sum(usd) FILTER (prompt_tokens = 0) OVER request
                         / nullif(sum(completion_tokens) FILTER (prompt_tokens = 0) OVER request, 0), 0) END
                ELSE 0 END AS prompt
    FROM calls
    WHERE list_contains($experiment_ids, experiment_id) AND error IS NULL AND role <> 'grade'
      AND ((CAST($tasks AS VARCHAR[]) IS NULL AND CAST($arms AS VARCHAR[]) IS NULL)
           OR trial_id IN (SELECT trial_id FROM trials
                           WHERE list_contains($experiment_ids, experiment_id)
                             AND (CAST($tasks AS VARCHAR[]) IS NULL OR list_contains(CAST($tasks AS VARCHAR[]), task))
                             AND (CAST($arms AS VARCHAR[]) IS NULL OR list_contains(CAST($arms AS VARCHAR[]), arm))))
    WINDOW request AS (PARTITION BY trial_id, request_id)
)
SELECT trial_id,
       request_id,
       level,
       CASE WHEN count(*) = count(amount) THEN sum(amount) END AS paid,
       CASE WHEN any_value(thought) THEN CASE WHEN count(*) = count(amount) THEN sum(amount) END
            WHEN count(*) = count(prompt) THEN sum(prompt) END AS again
FROM paid
GROUP BY trial_id, request_id, level
ORDER BY trial_id, request_id, level;
