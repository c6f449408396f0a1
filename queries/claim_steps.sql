-- Notes that strategies leave for what one score hides, summed up by trial
-- Grain: one row per trial of complete blocks without errors.
-- Units: `handed_tokens` tokens handed over between agents; `switches` announced changes of approach in the visible
--   thought; `longest_prompt` tokens of its longest prompt; score as a share of 1; NULL where nothing was noted.
-- $experiment_ids VARCHAR[]: experiments
WITH noted AS (
    SELECT trial_id,
           sum(CAST(payload ->> '$.tokens' AS BIGINT)) FILTER (kind = 'handoff') AS handed_tokens,
           sum(json_array_length(payload -> '$.said')) FILTER (kind = 'switches') AS switches
    FROM steps
    GROUP BY trial_id
),
asked AS (
    SELECT trial_id, max(prompt_tokens) AS longest_prompt
    FROM calls
    WHERE error IS NULL AND list_contains($experiment_ids, experiment_id)
    GROUP BY trial_id
)
SELECT u.arm, u.task, u.problem_id, u.cluster_id, u.difficulty, u.repeat, u.trial_id, u.max_level,
       coalesce(u.score, 0) AS score,
       n.handed_tokens,
       n.switches,
       a.longest_prompt
FROM units_of($experiment_ids, NULL, NULL) AS u
LEFT JOIN noted AS n ON n.trial_id = u.trial_id
LEFT JOIN asked AS a ON a.trial_id = u.trial_id
WHERE NOT u.dropped
ORDER BY u.arm, u.task, u.problem_id, u.repeat, u.max_level;
