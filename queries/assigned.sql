-- Who did which part of a question in trials of `orchestrate`
-- Grain: one row per trial of complete blocks without errors and plan that it made.
-- Units: `payload` holds `parts`, as the lead wrote them, and `workers`, who did each and how many reports were asked for.
-- $experiment_ids VARCHAR[]: experiments
-- $arms VARCHAR[] optional: only these arms; a failure of another arm then drops no block
SELECT u.trial_id, s.kind, s.payload
FROM units_of($experiment_ids, NULL, CAST($arms AS VARCHAR[])) AS u
JOIN steps AS s ON s.trial_id = u.trial_id AND s.kind = 'assigned'
WHERE NOT u.dropped
ORDER BY u.trial_id, s.seq;
