-- Experiments, newest first
-- Grain: one row per experiment.
-- Units: tokens of prompt and completion together, US dollars at list price, seconds since the epoch. `imported` is the
--   format of the file the run was imported from, NULL for one that was run. `calibrated` are problems of which an allocator
--   was shown a grade.
WITH ended AS (
    SELECT experiment_id,
           count(*) AS trials_done,
           count(DISTINCT problem_id) AS problems,
           count(*) FILTER (outcome = 'correct') AS correct,
           count(*) FILTER (outcome = 'wrong') AS wrong,
           count(*) FILTER (outcome = 'unparsed') AS unparsed,
           count(*) FILTER (outcome = 'truncated') AS truncated,
           count(*) FILTER (outcome = 'refused') AS refused,
           count(*) FILTER (outcome = 'unanswered') AS unanswered,
           count(*) FILTER (outcome = 'infra_error') AS infra_error,
           count(*) FILTER (outcome = 'grader_error') AS grader_error,
           max(finished_at) AS last_trial_at
    FROM trials
    GROUP BY experiment_id
),
paid AS (
    SELECT experiment_id,
           count(*) FILTER (segment = 0) AS calls,
           CASE WHEN count(*) = count(prompt_tokens + completion_tokens)
                THEN CAST(sum(prompt_tokens + completion_tokens) AS BIGINT) END AS total_tokens,
           CASE WHEN count(*) = count(usd) THEN sum(usd) END AS usd
    FROM calls
    WHERE error IS NULL
    GROUP BY experiment_id
),
turned AS (
    SELECT experiment_id,
           count(*) AS arms,
           list(DISTINCT dial ORDER BY dial) AS dials,
           list(DISTINCT access ORDER BY access) AS accesses
    FROM arms
    GROUP BY experiment_id
),
asked AS (
    SELECT experiment_id, list(DISTINCT task ORDER BY task) AS tasks
    FROM problems
    GROUP BY experiment_id
),
edited AS (
    SELECT experiment_id, list(summary ORDER BY "at", edit_id) AS regraded
    FROM regrades
    GROUP BY experiment_id
),
shown AS (
    SELECT t.experiment_id, count(DISTINCT (t.task, t.problem_id)) AS calibrated
    FROM steps AS s
    JOIN trials AS t ON t.trial_id = s.trial_id
    WHERE s.kind = 'calibration'
    GROUP BY t.experiment_id
),
used AS (
    SELECT experiment_id, list(DISTINCT model ORDER BY model) AS models
    FROM calls
    GROUP BY experiment_id
)
SELECT e.experiment_id,
       e.name,
       e.status,
       e.status_detail,
       e.created_at,
       e.finished_at,
       d.last_trial_at,
       e.version,
       e.provenance,
       e.origin,
       e.simulated,
       e.recorded,
       e.spec ->> '$.imported.format' AS imported,
       e.price_date,
       coalesce(g.regraded, []) AS regraded,
       coalesce(t.arms, 0) AS arms,
       coalesce(t.dials, []) AS dials,
       coalesce(t.accesses, []) AS accesses,
       coalesce(a.tasks, []) AS tasks,
       coalesce(u.models, []) AS models,
       e.planned_trials,
       coalesce(d.trials_done, 0) AS trials_done,
       coalesce(d.problems, 0) AS problems,
       coalesce(h.calibrated, 0) AS calibrated,
       coalesce(d.correct, 0) AS correct,
       coalesce(d.wrong, 0) AS wrong,
       coalesce(d.unparsed, 0) AS unparsed,
       coalesce(d.truncated, 0) AS truncated,
       coalesce(d.refused, 0) AS refused,
       coalesce(d.unanswered, 0) AS unanswered,
       coalesce(d.infra_error, 0) AS infra_error,
       coalesce(d.grader_error, 0) AS grader_error,
       coalesce(p.calls, 0) AS calls,
       CASE WHEN p.experiment_id IS NULL THEN 0 ELSE p.total_tokens END AS total_tokens,
       CASE WHEN p.experiment_id IS NULL THEN 0 ELSE p.usd END AS usd
FROM experiments AS e
LEFT JOIN ended AS d ON d.experiment_id = e.experiment_id
LEFT JOIN paid AS p ON p.experiment_id = e.experiment_id
LEFT JOIN turned AS t ON t.experiment_id = e.experiment_id
LEFT JOIN asked AS a ON a.experiment_id = e.experiment_id
LEFT JOIN edited AS g ON g.experiment_id = e.experiment_id
LEFT JOIN shown AS h ON h.experiment_id = e.experiment_id
LEFT JOIN used AS u ON u.experiment_id = e.experiment_id
ORDER BY e.created_at DESC, e.experiment_id;
