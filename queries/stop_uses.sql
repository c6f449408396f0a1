-- What each model took up to every stop of each trial
-- Grain: one row per trial of complete blocks without errors, level of a checkpoint, and model of the calls that stopping there
--   would have needed; where none would have been, one row whose model is NULL and whose counts are 0.
-- Units: tokens and US dollars, the part that one question has of calls made for several; NULL where any part is unknown.
--   `point` is the level of this stop in `curve_points`, NULL for answers that are no stop there. Level -1 is what a trial that
--   was cut short had taken by then.
-- $experiment_ids VARCHAR[]: experiments
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: only these arms; a failure of another arm then drops no block
WITH kept AS (
    SELECT trial_id, nested, max_level
    FROM units_of($experiment_ids, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[]))
    WHERE NOT dropped
),
stops AS (
    SELECT k.trial_id, c.level,
           CASE WHEN k.nested THEN c.level
                WHEN max(c.seq) = max(max(c.seq)) OVER (PARTITION BY k.trial_id) THEN k.max_level END AS point
    FROM kept AS k
    JOIN checkpoints AS c ON c.trial_id = k.trial_id
    GROUP BY k.trial_id, k.nested, k.max_level, c.level
),
taken AS (
    SELECT trial_id, model, level, probe,
           prompt_tokens / coalesce(shared, 1) AS prompt_tokens,
           completion_tokens / coalesce(shared, 1) AS completion_tokens,
           usd_paid / coalesce(shared, 1) AS usd_paid
    FROM calls
    WHERE error IS NULL AND role <> 'grade' AND list_contains($experiment_ids, experiment_id)
)
SELECT s.trial_id, s.level, s.point, t.model,
       CASE WHEN count(t.trial_id) = count(t.prompt_tokens) THEN coalesce(sum(t.prompt_tokens), 0) END AS prompt_tokens,
       CASE WHEN count(t.trial_id) = count(t.completion_tokens) THEN coalesce(sum(t.completion_tokens), 0)
       END AS completion_tokens,
       CASE WHEN count(t.trial_id) = count(t.usd_paid) THEN coalesce(sum(t.usd_paid), 0) END AS usd_paid
FROM stops AS s
LEFT JOIN taken AS t
       ON t.trial_id = s.trial_id AND (CASE WHEN t.probe THEN t.level = s.level ELSE t.level <= s.level END)
GROUP BY s.trial_id, s.level, s.point, t.model
UNION ALL
SELECT c.trial_id, -1, NULL, c.model,
       CASE WHEN count(*) = count(c.prompt_tokens) THEN sum(c.prompt_tokens) END,
       CASE WHEN count(*) = count(c.completion_tokens) THEN sum(c.completion_tokens) END,
       CASE WHEN count(*) = count(c.usd_paid) THEN sum(c.usd_paid) END
FROM cut_calls_of($experiment_ids) AS c
JOIN kept AS k ON k.trial_id = c.trial_id
GROUP BY c.trial_id, c.model
ORDER BY 1, 2, 4;
