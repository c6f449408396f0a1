-- Single steps of chains, with what would have been right
-- Grain: one row per sample of a step on the trunk of a trial, of complete blocks without errors, where the task knows the right
--   reply to what was asked.
-- Units: `step` counts the things asked in turn, from 1, what is asked again later once more; `answer` and `truth` are texts,
--   `answer` NULL where none could be read. The truth is that of the state the step was taken from, so a step can be right
--   after a wrong one. `oracle_steps` are the fewest steps that solve the problem, NULL where the task does not say.
-- $experiment_ids VARCHAR[]: experiments
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: only these arms; a failure of another arm then drops no block
WITH kept AS (
    SELECT * FROM units_of($experiment_ids, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[])) WHERE NOT dropped
),
asked AS (
    SELECT c.trial_id, c.seq, c.extracted AS answer, c.request ->> '$.truth' AS truth,
           c.request_hash IS DISTINCT FROM lag(c.request_hash) OVER (PARTITION BY c.trial_id ORDER BY c.seq) AS begins
    FROM calls AS c
    JOIN kept AS k ON k.trial_id = c.trial_id
    WHERE c.role = 'step' AND c.path = '' AND NOT c.probe AND c.segment = 0 AND c.error IS NULL
      AND list_contains($experiment_ids, c.experiment_id)
),
counted AS (
    SELECT trial_id, seq, answer, truth,
           CAST(count(*) FILTER (begins) OVER (PARTITION BY trial_id ORDER BY seq) AS BIGINT) AS step
    FROM asked
)
SELECT k.experiment_id, k.arm, k.dial, k.task, k.problem_id, k.cluster_id, k.trial_id,
       a.step,
       a.answer,
       a.truth,
       q.oracle_steps
FROM counted AS a
JOIN kept AS k ON k.trial_id = a.trial_id
LEFT JOIN problems AS q
       ON q.experiment_id = k.experiment_id AND q.task = k.task AND q.problem_id = k.problem_id
WHERE a.truth IS NOT NULL
ORDER BY k.experiment_id, k.arm, k.task, k.problem_id, k.trial_id, a.seq;
