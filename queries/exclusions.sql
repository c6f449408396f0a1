-- What estimates leave out, by arm
-- Grain: one row per arm of each experiment.
-- Units: counts of blocks (a problem, a repeat, all arms) and of this arm's own failures.
-- $experiment_ids VARCHAR[]: experiments
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: only these arms; a failure of another arm then drops no block
WITH units AS (
    SELECT experiment_id, arm, dial, block, bool_or(failed) AS failed, bool_or(dropped) AS dropped,
           bool_or(outcome = 'infra_error') AS infra_error, bool_or(outcome = 'grader_error') AS grader_error
    FROM units_of($experiment_ids, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[]))
    GROUP BY experiment_id, arm, dial, block
)
SELECT experiment_id,
       arm,
       dial,
       count(*) AS complete,
       count(*) FILTER (NOT dropped) AS kept,
       count(*) FILTER (dropped) AS excluded,
       count(*) FILTER (failed) AS excluded_own,
       count(*) FILTER (infra_error) AS infra_error,
       count(*) FILTER (grader_error) AS grader_error
FROM units
GROUP BY experiment_id, arm, dial
ORDER BY experiment_id, dial, arm;
