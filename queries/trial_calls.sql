-- Calls of one trial in the order they were made, failed attempts included
-- Grain: one row per sample, per cut of a thought, per failed attempt.
-- Units: tokens; US dollars at list price; seconds. `prompt` lists the turns as they were shown, long texts in full.
-- $trial_id VARCHAR: the trial
WITH parts AS (
    SELECT call_id, i, request -> ('$.parts[' || (i - 1) || ']') AS part
    FROM (SELECT call_id, request, unnest(generate_series(1, CAST(json_array_length(request, '$.parts') AS BIGINT))) AS i
          FROM calls
          WHERE trial_id = $trial_id)
),
turns AS (
    SELECT p.call_id,
           list(struct_pack("role" := p.part ->> '$[0]', "text" := coalesce(t.text, p.part ->> '$[1]')) ORDER BY p.i)
               AS prompt
    FROM parts AS p
    LEFT JOIN texts AS t ON t.sha256 = p.part ->> '$[1].sha256'
    GROUP BY p.call_id
)
SELECT c.call_id, c.seq, c.request_id, c.path, c.idx, c.segment, c.parents, c.role, c.part, c.model, c.route, c.level,
       c.probe, c.shared, t.prompt, c.request, c.reply, c.extracted, c.finish_reason, c.logprob, c.attempt, c.usage,
       c.prompt_tokens, c.cached_tokens, c.completion_tokens, c.reasoning_tokens, c.usage_estimated, c.usd, c.usd_paid,
       c.started_at, c.latency_s, c.queued_s, c.path_s, c.modelled_path_s, c.error
FROM calls AS c
LEFT JOIN turns AS t ON t.call_id = c.call_id
WHERE c.trial_id = $trial_id
ORDER BY c.seq, c.segment, c.attempt, c.call_id;
