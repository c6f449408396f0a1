-- Single steps of chains, with what would have been right
-- Grain: one row per sample of a step on the trunk of a trial, of complete blocks without errors, where the task knows the right
--   reply to what was asked.
-- Units: `step` counts the different things asked in turn, from 1; `answer` and `truth` are texts, `answer` NULL where none
--   could be read. The truth is that of the state the step was taken from, so a step can be right after a wrong one.
-- $experiment_ids VARCHAR[]: experiments
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: only these arms; a failure of another arm then drops no block
WITH kept AS (
    SELECT * FROM units_of($experiment_ids, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[])) WHERE NOT dropped
),
asked AS (
    SELECT c.trial_id, c.request_hash, c.seq, c.extracted AS answer, c.request ->> '$.truth' AS truth,
           min(c.seq) OVER (PARTITION BY c.trial_id, c.request_hash) AS begun
    FROM calls AS c
    JOIN kept AS k ON k.trial_id = c.trial_id
    WHERE c.role = 'step' AND c.path = '' AND NOT c.probe AND c.segment = 0 AND c.error IS NULL
      AND list_contains($experiment_ids, c.experiment_id)
)
SELECT k.experiment_id, k.arm, k.dial, k.task, k.problem_id, k.cluster_id, k.trial_id,
       dense_rank() OVER (PARTITION BY a.trial_id ORDER BY a.begun) AS step,
       a.answer,
       a.truth
FROM asked AS a
JOIN kept AS k ON k.trial_id = a.trial_id
WHERE a.truth IS NOT NULL
ORDER BY k.experiment_id, k.arm, k.task, k.problem_id, k.trial_id, a.seq;
