-- How far a run has come
-- Grain: one row for the experiment; none if there is no such experiment.
-- Units: counts; tokens of prompt and completion together; US dollars at list price; calls per second over the 10 s before
--   $now; seconds since the epoch; working_s in seconds, pauses between trials of over a minute counted as a minute.
-- $experiment_id VARCHAR: the experiment
-- $now DOUBLE: the present, in seconds since the epoch
WITH ended AS (
    SELECT count(*) AS trials_done,
           count(*) FILTER (stop_reason = 'finished') AS finished,
           count(*) FILTER (stop_reason = 'max_level') AS max_level,
           count(*) FILTER (stop_reason = 'capped') AS capped,
           count(*) FILTER (stop_reason = 'error') AS error,
           count(*) FILTER (stop_reason = 'stopped') AS stopped,
           count(*) FILTER (stop_reason = 'diverged') AS diverged,
           max(finished_at) AS last_at
    FROM trials
    WHERE experiment_id = $experiment_id
),
gaps AS (
    SELECT finished_at - coalesce(lag(finished_at) OVER (ORDER BY finished_at), started_at) AS gap_s
    FROM trials
    WHERE experiment_id = $experiment_id
),
worked AS (
    SELECT coalesce(sum(least(gap_s, 60)), 0) AS working_s FROM gaps
),
sent AS (
    SELECT count(*) FILTER (error IS NULL AND segment = 0) AS calls,
           count(*) FILTER (error IS NOT NULL) AS failed_attempts,
           CASE WHEN count(*) FILTER (error IS NULL) = count(prompt_tokens + completion_tokens) FILTER (error IS NULL)
                THEN CAST(coalesce(sum(prompt_tokens + completion_tokens) FILTER (error IS NULL), 0) AS BIGINT)
           END AS total_tokens,
           CASE WHEN count(*) FILTER (error IS NULL) = count(usd) FILTER (error IS NULL)
                THEN coalesce(sum(usd) FILTER (error IS NULL), 0) END AS usd,
           count(*) FILTER (error IS NULL AND segment = 0
                            AND started_at + latency_s BETWEEN $now - 10 AND $now) / 10 AS calls_per_s,
           max(started_at + latency_s) AS last_at
    FROM calls
    WHERE experiment_id = $experiment_id
),
open_calls AS (
    SELECT count(*) AS calls
    FROM lost_calls AS l
    LEFT JOIN trials AS t ON t.trial_id = l.trial_id
    WHERE l.experiment_id = $experiment_id AND t.stop_reason IS DISTINCT FROM 'error'
),
whole AS (
    SELECT count(*) FILTER (complete) AS blocks_complete, count(*) AS blocks_begun
    FROM blocks_of([$experiment_id])
),
unread AS (
    SELECT count(*) AS bad_lines
    FROM bad_lines
    WHERE experiment_id = $experiment_id
)
SELECT e.experiment_id,
       e.name,
       e.recorded,
       e.status,
       e.status_detail,
       e.created_at,
       e.finished_at,
       e.planned_trials,
       d.trials_done,
       d.finished,
       d.max_level,
       d.capped,
       d.error,
       d.stopped,
       d.diverged,
       w.blocks_complete,
       w.blocks_begun,
       s.calls,
       s.failed_attempts,
       s.total_tokens,
       s.usd,
       s.calls_per_s,
       CASE WHEN e.status IN ('running', 'queued') THEN o.calls ELSE 0 END AS in_flight,
       CASE WHEN e.status IN ('running', 'queued') THEN 0 ELSE o.calls END AS lost_calls,
       u.bad_lines,
       k.working_s,
       greatest(d.last_at, s.last_at) AS last_at
FROM experiments AS e, ended AS d, sent AS s, open_calls AS o, whole AS w, unread AS u, worked AS k
WHERE e.experiment_id = $experiment_id;
