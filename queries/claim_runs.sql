-- Runs that have trials, with the claims of the literature that their experiment files name
-- Grain: one row per experiment.
-- Units: seconds since the epoch. `origin` says what kind of models it was run with, also where it is a recording; `spec`
--   is the experiment file as JSON, `claims` its list of that name, empty where it names none.
WITH solved AS (
    SELECT experiment_id,
           list(DISTINCT model ORDER BY model) AS models,
           count(DISTINCT task || '/' || problem_id) AS problems,
           count(*) AS trials_done
    FROM trials
    GROUP BY experiment_id
)
SELECT e.experiment_id, e.name, e.origin, e.recorded, e.created_at,
       CAST(e.spec AS VARCHAR) AS spec,
       coalesce(CAST(e.spec -> '$.claims' AS VARCHAR[]), []) AS claims,
       s.models,
       s.problems,
       s.trials_done < e.planned_trials AS interim
FROM experiments AS e
JOIN solved AS s ON s.experiment_id = e.experiment_id
ORDER BY s.problems DESC, e.created_at DESC, e.experiment_id;
