-- What a consensus game, a vote and a product picked from the very same calls
-- Grain: one row per checkpoint that notes all three, of complete blocks without errors.
-- Units: answers are texts; `level` in candidates.
-- $experiment_ids VARCHAR[]: experiments
SELECT u.experiment_id, u.arm, u.task, u.problem_id, u.cluster_id, u.repeat, u.trial_id, c.level,
       c.detail ->> '$.consensus' AS consensus,
       c.detail ->> '$.vote' AS vote,
       c.detail ->> '$.product' AS product
FROM units_of($experiment_ids, NULL, NULL) AS u
JOIN checkpoints AS c ON c.trial_id = u.trial_id
WHERE NOT u.dropped
  AND c.detail ->> '$.consensus' IS NOT NULL AND c.detail ->> '$.vote' IS NOT NULL AND c.detail ->> '$.product' IS NOT NULL
ORDER BY u.arm, u.task, u.problem_id, u.repeat, u.trial_id, c.level;
