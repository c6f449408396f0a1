-- Where every trial of a run could have stopped, for replaying an allocator over it
-- Grain: one row per checkpoint of each trial of complete blocks without a failure; a trial without any checkpoint has one
--   row whose level is NULL.
-- Units: score as a share of 1; spend in $unit: what a deployment that always stops there would pay; NULL if unknown.
-- $experiment_ids VARCHAR[]: experiments
-- $unit VARCHAR: total_tokens, usd or calls
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: only these arms; a failure of another arm then drops no block
SELECT k.trial_id,
       k.experiment_id,
       k.task,
       k.problem_id,
       k.cluster_id,
       k.difficulty,
       k.arm,
       k.strategy,
       k.dial,
       k.repeat,
       k.block,
       k.nested,
       k.max_level,
       k.stop_reason,
       CAST(a.levels AS INTEGER[]) AS levels,
       coalesce(a.uses_truth, FALSE) AS uses_truth,
       c.seq,
       c.level,
       c.answer,
       c.score,
       c.outcome,
       c.detail,
       CASE $unit
            WHEN 'total_tokens' THEN CAST(s.total_tokens AS DOUBLE)
            WHEN 'usd' THEN s.usd
            WHEN 'calls' THEN CAST(s.calls AS DOUBLE)
            ELSE CAST(error('unit must be one of total_tokens, usd, calls') AS DOUBLE) END AS spend
FROM units_of($experiment_ids, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[])) AS k
JOIN arms AS a ON a.experiment_id = k.experiment_id AND a.arm = k.arm
LEFT JOIN checkpoints AS c ON c.trial_id = k.trial_id
LEFT JOIN spend_of($experiment_ids) AS s ON s.trial_id = c.trial_id AND s.level = c.level
WHERE NOT k.dropped
ORDER BY k.block, k.arm, k.max_level, k.trial_id, c.seq;
