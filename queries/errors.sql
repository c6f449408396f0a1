-- Errors of a run by kind, the most frequent first
-- Grain: one row per kind of error, of failed attempts and of trials apart.
-- Units: counts; seconds since the epoch. `message` is the latest of its kind.
-- $experiment_id VARCHAR: the experiment
WITH found AS (
    SELECT 'attempt' AS place, error ->> '$.type' AS kind, error ->> '$.boundary' AS boundary,
           error ->> '$.message' AS message, started_at AS seen_at
    FROM calls
    WHERE experiment_id = $experiment_id AND error IS NOT NULL
    UNION ALL
    SELECT 'trial', error ->> '$.type', error ->> '$.boundary', error ->> '$.message', finished_at
    FROM trials
    WHERE experiment_id = $experiment_id AND error IS NOT NULL
    UNION ALL
    SELECT 'journal', 'bad line', NULL, path || ' at byte ' || byte_offset || ': ' || message, NULL
    FROM bad_lines
    WHERE experiment_id = $experiment_id
)
SELECT place,
       kind,
       boundary,
       count(*) AS occurrences,
       arg_max(message, coalesce(seen_at, 0)) AS message,
       max(seen_at) AS last_at
FROM found
GROUP BY place, kind, boundary
ORDER BY occurrences DESC, place, kind;
