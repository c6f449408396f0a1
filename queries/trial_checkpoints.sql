-- Answers one trial could have stopped at, and what stopping there costs
-- Grain: one row per checkpoint.
-- Units: score as a share of 1; spend in tokens, US dollars at list price, calls and seconds.
-- $trial_id VARCHAR: the trial
SELECT c.seq, c.level, c.answer, c.score, c.outcome, c.detail, s.calls, s.total_tokens, s.completion_tokens, s.usd,
       s.usd_paid, s.critical_path_s, s.modelled_s
FROM checkpoints AS c
LEFT JOIN spend_of((SELECT list(DISTINCT experiment_id) FROM calls WHERE trial_id = $trial_id)) AS s
       ON s.trial_id = c.trial_id AND s.level = c.level
WHERE c.trial_id = $trial_id
ORDER BY c.seq;
