-- Thoughts, and how early an answer read off them was right
-- Grain: one row per nested trial of an arm that lengthens one thought (chain_of_thought, budget_forcing, stay_on_thought) and has
--   answers at several levels, of complete blocks without errors.
-- Units: score as a share of 1; tokens of the thought as a whole, probes apart; `right_by` the tokens up to the first level whose
--   answer was right, NULL if none was. A thought may have been right before the level that shows it, so it is an upper bound.
-- $experiment_ids VARCHAR[]: experiments
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: only these arms; a failure of another arm then drops no block
WITH kept AS (
    SELECT *
    FROM units_of($experiment_ids, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[]))
    WHERE NOT dropped AND nested AND strategy IN ('chain_of_thought', 'budget_forcing', 'stay_on_thought')
),
stops AS (
    SELECT k.trial_id, c.level, bool_or(c.score = 1) AS hit
    FROM kept AS k
    JOIN checkpoints AS c ON c.trial_id = k.trial_id
    WHERE c.outcome <> 'unanswered'
    GROUP BY k.trial_id, c.level
),
thought AS (
    SELECT s.trial_id, s.level, s.hit,
           CASE WHEN count(*) = count(c.completion_tokens) THEN CAST(sum(c.completion_tokens) AS BIGINT) END AS tokens
    FROM stops AS s
    JOIN calls AS c ON c.trial_id = s.trial_id AND c.level <= s.level
    WHERE NOT c.probe AND c.error IS NULL AND c.role <> 'grade' AND list_contains($experiment_ids, c.experiment_id)
    GROUP BY s.trial_id, s.level, s.hit
),
reached AS (
    SELECT trial_id, max(tokens) AS tokens, min(tokens) FILTER (hit) AS right_by
    FROM thought
    GROUP BY trial_id
    HAVING count(*) > 1
)
SELECT k.experiment_id, k.arm, k.dial, k.task, k.problem_id, k.cluster_id, k.trial_id,
       coalesce(k.score, 0) AS score,
       r.tokens,
       r.right_by
FROM kept AS k
JOIN reached AS r ON r.trial_id = k.trial_id
ORDER BY k.experiment_id, k.arm, k.task, k.problem_id, k.trial_id;
