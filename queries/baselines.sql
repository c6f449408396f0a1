-- What needs no extra compute: a guess, the best constant answer, one greedy sample
-- Grain: one row per baseline over the chosen tasks: `chance`, `constant`, and one `greedy` per arm of the strategy single.
-- Units: value as a share of 1; n counts problems, for greedy those of complete blocks without errors.
-- $experiment_ids VARCHAR[]: experiments
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: the arms compared, as given to `curve_points`
WITH asked AS (
    SELECT DISTINCT task, problem_id, chance, constant_score
    FROM problems
    WHERE list_contains($experiment_ids, experiment_id)
      AND (CAST($tasks AS VARCHAR[]) IS NULL OR list_contains(CAST($tasks AS VARCHAR[]), task))
),
greedy AS (
    SELECT experiment_id, arm, task, problem_id, avg(coalesce(score, 0)) AS score
    FROM units_of($experiment_ids, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[]))
    WHERE strategy = 'single' AND NOT dropped
    GROUP BY experiment_id, arm, task, problem_id
)
SELECT 'chance' AS kind, NULL AS experiment_id, NULL AS arm, avg(chance) AS value, count(*) AS n,
       count(DISTINCT task) AS tasks
FROM asked
HAVING count(*) > 0 AND avg(chance) > 0
UNION ALL
SELECT 'constant', NULL, NULL, avg(constant_score), count(*), count(DISTINCT task)
FROM asked
HAVING count(*) > 0 AND count(*) = count(constant_score)
UNION ALL
SELECT 'greedy', experiment_id, arm, avg(score), count(*), count(DISTINCT task)
FROM greedy
GROUP BY experiment_id, arm
ORDER BY kind, experiment_id, arm;
