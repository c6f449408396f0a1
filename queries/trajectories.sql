-- How each trial went about its problem, counted from its calls and steps
-- Grain: one row per trial of complete blocks without errors.
-- Units: counts and tokens; score as a share of 1; NULL tokens where a count is unknown. `loops` are environment steps to a
--   place where the trial had been before (without a named place: whose observation had been shown), `invalid` those the environment refused. `notes` are the entries of a
--   memory as it stood last, `notes_duplicate`, `notes_stale` and `notes_contradicted` those judged so as the trial ended, NULL
--   where the task states no facts (of an imported trial: steps of kind memory that hold a `text`, and their marks).
--   `used_tokens` are the prompts' part, by characters, of the facts on the way to the answer that stood in them, each once.
--   `switches` are switch words in thoughts, NULL where none were counted.
--   `oracle_steps` are the fewest steps that solve the problem, NULL where the task does not say.
-- $experiment_ids VARCHAR[]: experiments
-- $tasks VARCHAR[] optional: only these tasks
-- $arms VARCHAR[] optional: only these arms; a failure of another arm then drops no block
WITH kept AS (
    SELECT * FROM units_of($experiment_ids, CAST($tasks AS VARCHAR[]), CAST($arms AS VARCHAR[])) WHERE NOT dropped
),
seen AS (
    SELECT s.trial_id, s.kind, s.payload,
           s.kind IN ('env_step', 'look')
               AND row_number() OVER (PARTITION BY s.trial_id, s.kind IN ('env_step', 'look'),
                                                   CAST(coalesce(s.payload -> '$.place', s.payload -> '$.observation') AS VARCHAR) ORDER BY s.seq) > 1 AS again,
           row_number() OVER (PARTITION BY s.trial_id, s.kind, CAST(s.payload AS VARCHAR) ORDER BY s.seq) > 1 AS repeated
    FROM steps AS s
    JOIN kept AS k ON k.trial_id = s.trial_id
),
stepped AS (
    SELECT trial_id,
           count(*) FILTER (kind = 'env_step') AS steps,
           count(*) FILTER (kind = 'env_step' AND again) AS loops,
           count(*) FILTER (kind = 'env_step' AND payload ->> '$.valid' = 'false') AS invalid,
           count(*) FILTER (kind = 'memory' AND payload ->> '$.text' IS NOT NULL) AS notes,
           count(*) FILTER (kind = 'memory' AND repeated AND payload ->> '$.text' IS NOT NULL) AS notes_duplicate,
           count(*) FILTER (kind = 'memory' AND payload ->> '$.stale' = 'true' AND payload ->> '$.text' IS NOT NULL) AS notes_stale,
           count(*) FILTER (kind = 'memory' AND payload ->> '$.contradicted' = 'true' AND payload ->> '$.text' IS NOT NULL) AS notes_contradicted,
           max(TRY_CAST(payload ->> '$.entries' AS BIGINT)) FILTER (kind = 'judged') AS entries,
           max(TRY_CAST(payload ->> '$.duplicate' AS BIGINT)) FILTER (kind = 'judged') AS duplicate,
           max(TRY_CAST(payload ->> '$.contradicted' AS BIGINT)) FILTER (kind = 'judged') AS contradicted,
           max(TRY_CAST(payload ->> '$.stale' AS BIGINT)) FILTER (kind = 'judged') AS stale,
           max(TRY_CAST(payload ->> '$.used_characters' AS DOUBLE) / TRY_CAST(payload ->> '$.prompt_characters' AS DOUBLE))
               FILTER (kind = 'judged') AS used_share,
           CAST(sum(len(CAST(payload -> '$.said' AS VARCHAR[]))) FILTER (kind = 'switches') AS BIGINT) AS switches
    FROM seen
    GROUP BY trial_id
),
spent AS (
    SELECT c.trial_id,
           max(c.prompt_tokens) AS peak_context,
           CAST(sum(c.prompt_tokens) AS BIGINT) AS prompt_tokens,
           CAST(sum(c.completion_tokens) AS BIGINT) AS completion_tokens,
           count(*) > count(c.prompt_tokens + c.completion_tokens) AS unknown,
           CAST(coalesce(sum(c.prompt_tokens + c.completion_tokens) FILTER (c.role IN ('verify', 'judge')), 0) AS BIGINT) AS verify_tokens,
           CAST(coalesce(sum(c.prompt_tokens + c.completion_tokens) FILTER (c.role IN ('plan', 'route')), 0) AS BIGINT) AS plan_tokens,
           CAST(coalesce(sum(c.prompt_tokens + c.completion_tokens)
               FILTER (c.role IN ('solve', 'step', 'revise', 'query', 'act', 'synthesise')), 0) AS BIGINT) AS execute_tokens
    FROM calls AS c
    JOIN kept AS k ON k.trial_id = c.trial_id
    WHERE c.error IS NULL AND c.role <> 'grade' AND list_contains($experiment_ids, c.experiment_id)
    GROUP BY c.trial_id
)
SELECT k.experiment_id, k.arm, k.strategy, k.dial, k.task, k.problem_id, k.cluster_id, k.repeat, k.trial_id,
       coalesce(k.score, 0) AS score,
       coalesce(s.steps, 0) AS steps,
       coalesce(s.loops, 0) AS loops,
       coalesce(s.invalid, 0) AS invalid,
       coalesce(s.entries, s.notes, 0) AS notes,
       CASE WHEN s.entries IS NULL THEN coalesce(s.notes_duplicate, 0) ELSE s.duplicate END AS notes_duplicate,
       CASE WHEN s.entries IS NULL THEN coalesce(s.notes_stale, 0) ELSE s.stale END AS notes_stale,
       CASE WHEN s.entries IS NULL THEN coalesce(s.notes_contradicted, 0) ELSE s.contradicted END AS notes_contradicted,
       s.switches,
       q.oracle_steps,
       CASE WHEN NOT p.unknown THEN p.peak_context END AS peak_context,
       CASE WHEN NOT p.unknown THEN p.prompt_tokens END AS prompt_tokens,
       CASE WHEN NOT p.unknown THEN p.completion_tokens END AS completion_tokens,
       CASE WHEN NOT p.unknown THEN p.prompt_tokens * s.used_share END AS used_tokens,
       CASE WHEN NOT p.unknown THEN p.verify_tokens END AS verify_tokens,
       CASE WHEN NOT p.unknown THEN p.plan_tokens END AS plan_tokens,
       CASE WHEN NOT p.unknown THEN p.execute_tokens END AS execute_tokens
FROM kept AS k
LEFT JOIN stepped AS s ON s.trial_id = k.trial_id
LEFT JOIN spent AS p ON p.trial_id = k.trial_id
LEFT JOIN problems AS q
       ON q.experiment_id = k.experiment_id AND q.task = k.task AND q.problem_id = k.problem_id
ORDER BY k.experiment_id, k.arm, k.task, k.problem_id, k.repeat, k.trial_id;
