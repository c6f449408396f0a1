-- Searches, environment steps and notes of one trial in order
-- Grain: one row per step.
-- Units: seconds since the epoch. `texts` holds the long texts its payload refers to, by their sha256.
-- $trial_id VARCHAR: the trial
WITH chosen AS (
    SELECT * FROM steps WHERE trial_id = $trial_id
),
referred AS (
    SELECT seq, unnest(regexp_extract_all(CAST(payload AS VARCHAR), '"sha256" *: *"([0-9a-f]{64})"', 1)) AS sha256
    FROM chosen
),
resolved AS (
    SELECT r.seq, list(struct_pack("sha256" := t.sha256, "text" := t.text) ORDER BY t.sha256) AS texts
    FROM (SELECT DISTINCT seq, sha256 FROM referred) AS r
    JOIN texts AS t ON t.sha256 = r.sha256
    GROUP BY r.seq
)
SELECT s.trial_id, s.seq, s.level, s.kind, s.payload, s."at" AS stepped_at, r.texts
FROM chosen AS s
LEFT JOIN resolved AS r ON r.seq = s.seq
ORDER BY s.seq;
