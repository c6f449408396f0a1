-- What each trial had answered and spent at every level of its arm
-- Grain: one row per unit (a problem, an arm, a repeat) of complete blocks no allocator calibrated on, and level of its arm
--   above 0. A trial that ended before a level stands at its last answer, as a deployment would (`stop_level`); without any
--   answer that is NULL and the score 0. One that was cut short before a level (`cut`) has paid for the calls that it made on the way there too.
-- Units: score as a share of 1; dollars; tokens; modelled and realised seconds on the critical path; NULL where unknown.
-- $experiment_ids VARCHAR[]: experiments
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: only these arms; a failure of another arm then drops no block
WITH kept AS (
    SELECT * FROM judged_of($experiment_ids, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[]))
),
wanted AS (
    SELECT experiment_id, arm, nested, unnest(CAST(levels AS INTEGER[])) AS level
    FROM arms
    WHERE list_contains($experiment_ids, experiment_id)
),
places AS (
    SELECT k.*, w.level
    FROM kept AS k
    JOIN wanted AS w ON w.experiment_id = k.experiment_id AND w.arm = k.arm AND w.level > 0
                    AND (k.nested OR w.level = k.max_level)
),
standing AS (
    SELECT p.trial_id, p.level, arg_max(struct_pack(level := c.level, score := c.score), c.seq) AS stop
    FROM places AS p
    JOIN checkpoints AS c ON c.trial_id = p.trial_id AND (c.level <= p.level OR NOT p.nested)
    GROUP BY p.trial_id, p.level
),
spent AS MATERIALIZED (
    SELECT * FROM spend_of($experiment_ids)
),
cut AS MATERIALIZED (
    SELECT * FROM cut_spend_of($experiment_ids)
)
SELECT p.experiment_id, p.arm, p.strategy, p.dial, p.task, p.problem_id, p.cluster_id, p.difficulty, p.repeat, p.trial_id,
       p.level,
       s.stop.level AS stop_level,
       coalesce(s.stop.score, 0) AS score,
       l.trial_id IS NOT NULL AS cut,
       CASE WHEN l.trial_id IS NOT NULL THEN l.usd WHEN s.stop IS NULL THEN 0 ELSE x.usd END AS usd,
       CAST(CASE WHEN l.trial_id IS NOT NULL THEN l.total_tokens WHEN s.stop IS NULL THEN 0 ELSE x.total_tokens END
            AS DOUBLE) AS total_tokens,
       CASE WHEN l.trial_id IS NOT NULL THEN l.modelled_s WHEN s.stop IS NULL THEN 0 ELSE x.modelled_s END AS modelled_s,
       CASE WHEN l.trial_id IS NOT NULL THEN l.critical_path_s WHEN s.stop IS NULL THEN 0 ELSE x.critical_path_s END
           AS critical_path_s
FROM places AS p
LEFT JOIN standing AS s ON s.trial_id = p.trial_id AND s.level = p.level
LEFT JOIN spent AS x ON x.trial_id = p.trial_id AND x.level = s.stop.level
LEFT JOIN cut AS l ON l.trial_id = p.trial_id AND p.level > coalesce(l.after_level, -1)
ORDER BY p.experiment_id, p.arm, p.level, p.task, p.problem_id, p.repeat;
