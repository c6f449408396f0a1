-- Runs that name a claim of the literature in their experiment file
-- Grain: one row per experiment and claim it names.
-- Units: seconds since the epoch. `origin` says what kind of models it was run with, also where it is a recording.
WITH named AS (
    SELECT experiment_id, name, origin, recorded, status, created_at,
           unnest(coalesce(CAST(spec -> '$.claims' AS VARCHAR[]), [])) AS claim
    FROM experiments
),
solved AS (
    SELECT experiment_id,
           list(DISTINCT model ORDER BY model) AS models,
           count(DISTINCT task || '/' || problem_id) AS problems,
           count(*) AS trials_done
    FROM trials
    GROUP BY experiment_id
)
SELECT n.claim, n.experiment_id, n.name, n.origin, n.recorded, n.created_at,
       s.models,
       s.problems,
       s.trials_done < e.planned_trials AS interim
FROM named AS n
JOIN solved AS s ON s.experiment_id = n.experiment_id
JOIN experiments AS e ON e.experiment_id = n.experiment_id
ORDER BY n.claim, s.problems DESC, n.created_at DESC, n.experiment_id;
