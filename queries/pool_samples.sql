-- Stored samples of one prompt, to be resampled as if they had been taken once
-- Grain: one row per sample of a trial of an arm that samples side by side (independent, majority_vote, best_of_n,
--   weighted_vote, adaptive_vote, first_to_ahead), of complete blocks.
-- Units: score as a share of 1, NULL where no checkpoint of the problem stood at this answer; weight in [0, 1] is the
--   verifier's score, else the probability per token, NULL if neither was stored. Answers with the same `ballot` are one
--   vote (NULL where an older run did not note it). `adaptive` marks trials whose number of
--   samples depended on what they held, `cut` those that ended before all samples asked for.
-- $experiment_ids VARCHAR[]: experiments
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: only these arms; a failure of another arm then drops no block
WITH pooled AS (
    SELECT trial_id, experiment_id, task, problem_id, cluster_id, arm, strategy, repeat, stop_reason, max_level
    FROM units_of($experiment_ids, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[]))
    WHERE NOT dropped
      AND strategy IN ('independent', 'majority_vote', 'best_of_n', 'weighted_vote', 'adaptive_vote', 'first_to_ahead')
),
sampled AS (
    SELECT p.trial_id, c.level AS sample, c.extracted AS answer, c.ballot,
           CASE WHEN c.logprob IS NOT NULL AND c.completion_tokens IS NOT NULL
                THEN exp(c.logprob / greatest(c.completion_tokens, 1)) END AS probability
    FROM pooled AS p
    JOIN calls AS c ON c.trial_id = p.trial_id
    WHERE c.role = 'solve' AND c.error IS NULL AND c.segment = 0 AND NOT c.probe
      AND list_contains($experiment_ids, c.experiment_id)
),
stops AS (
    SELECT p.task, p.problem_id, p.trial_id, p.strategy, k.level, k.answer, k.score,
           coalesce(CAST(k.detail ->> '$.verifier' AS DOUBLE), CAST(k.detail ->> '$.weight' AS DOUBLE)) AS weight
    FROM units_of($experiment_ids, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[])) AS p
    JOIN checkpoints AS k ON k.trial_id = p.trial_id
    WHERE NOT p.dropped
),
grades AS (  -- of answers that stood at some checkpoint of the problem, whichever arm gave them
    SELECT task, problem_id, answer, max(score) AS score
    FROM stops
    WHERE answer IS NOT NULL AND score IS NOT NULL
    GROUP BY task, problem_id, answer
),
counted AS (
    SELECT trial_id, count(*) AS samples FROM sampled GROUP BY trial_id
)
SELECT p.experiment_id, p.arm, p.strategy, p.task, p.problem_id, p.cluster_id, p.repeat, p.trial_id,
       s.sample,
       s.answer,
       s.ballot,
       CASE WHEN s.answer IS NULL THEN 0.0 ELSE g.score END AS score,
       coalesce(w.weight, s.probability) AS weight,
       p.strategy IN ('adaptive_vote', 'first_to_ahead') OR p.stop_reason IN ('finished', 'stopped') AS adaptive,
       p.stop_reason IN ('capped', 'error', 'diverged') OR n.samples < p.max_level AS cut
FROM pooled AS p
JOIN sampled AS s ON s.trial_id = p.trial_id
JOIN counted AS n ON n.trial_id = p.trial_id
LEFT JOIN grades AS g ON g.task = p.task AND g.problem_id = p.problem_id AND g.answer = s.answer
LEFT JOIN stops AS w ON w.trial_id = p.trial_id AND w.level = s.sample AND w.weight IS NOT NULL
                    AND w.strategy IN ('best_of_n', 'weighted_vote')
ORDER BY p.experiment_id, p.arm, p.task, p.problem_id, p.repeat, s.sample;
