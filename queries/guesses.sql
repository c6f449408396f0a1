-- What a guess and the best constant answer score on each problem
-- Grain: one row per problem of the chosen tasks.
-- Units: chance is the share of uniform guesses that are right, 0 where answers cannot be listed; constant_score is what
--   the task's best constant answer scores here; NULL where the task names none.
-- $experiment_ids VARCHAR[]: experiments
-- $tasks VARCHAR[] optional: only these tasks
SELECT DISTINCT task, problem_id, chance, constant_score
FROM problems
WHERE list_contains($experiment_ids, experiment_id)
  AND (CAST($tasks AS VARCHAR[]) IS NULL OR list_contains(CAST($tasks AS VARCHAR[]), task))
ORDER BY task, problem_id;
