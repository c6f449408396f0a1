-- What theory needs to know of each trial to be laid over a run
-- Grain: one row per trial of complete blocks without errors whose grades no allocator was shown.
-- Units: score and chance as shares of 1; `voted_steps` steps that were decided by a vote, NULL where none was; tokens of
--   prompts and replies that its last answer took (probes of earlier levels are left out), `ahead_tokens` of calls made
--   before the question was known and `asked_tokens` of all others, NULL where any count is unknown; `questions` that share
--   what was made ahead, NULL where nothing was.
-- $experiment_ids VARCHAR[]: experiments
-- $tasks VARCHAR[] optional: only these tasks
WITH kept AS (
    SELECT * FROM judged_of($experiment_ids, CAST($tasks AS VARCHAR[]), NULL)
),
voted AS (
    SELECT trial_id, count(*) AS voted_steps
    FROM steps
    WHERE kind = 'vote'
    GROUP BY trial_id
),
paid AS (
    SELECT c.trial_id,
           count(*) = count(c.prompt_tokens + c.completion_tokens) AS counted,
           coalesce(sum(c.prompt_tokens + c.completion_tokens) FILTER (c.shared IS NOT NULL), 0) AS ahead_tokens,
           coalesce(sum(c.prompt_tokens + c.completion_tokens) FILTER (c.shared IS NULL), 0) AS asked_tokens,
           max(c.shared) AS questions
    FROM calls AS c
    JOIN trials AS t ON t.trial_id = c.trial_id
    WHERE c.error IS NULL AND c.role <> 'grade' AND list_contains($experiment_ids, c.experiment_id)
      AND (NOT c.probe OR c.level = t.level)
    GROUP BY c.trial_id
)
SELECT k.experiment_id, k.arm, k.task, k.problem_id, k.task || '/' || k.cluster_id AS cluster_id, k.difficulty, k.repeat, k.trial_id, k.max_level,
       coalesce(k.score, 0) AS score,
       p.chance,
       v.voted_steps,
       CASE WHEN c.counted THEN CAST(c.ahead_tokens AS DOUBLE) END AS ahead_tokens,
       CASE WHEN c.counted THEN CAST(c.asked_tokens AS DOUBLE) END AS asked_tokens,
       c.questions
FROM kept AS k
LEFT JOIN problems AS p
    ON p.experiment_id = k.experiment_id AND p.task = k.task AND p.problem_id = k.problem_id
LEFT JOIN voted AS v ON v.trial_id = k.trial_id
LEFT JOIN paid AS c ON c.trial_id = k.trial_id
ORDER BY k.arm, k.task, k.problem_id, k.repeat, k.max_level;
