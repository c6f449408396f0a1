-- One trial with its problem and its bill
-- Grain: one row; none while the trial runs.
-- Units: the bill in tokens, US dollars at list price and seconds.
-- $trial_id VARCHAR: the trial
SELECT t.*,
       p.question,
       p.reference,
       p.chance,
       a.unit,
       e.name AS experiment,
       e.provenance,
       e.origin,
       e.simulated
FROM trials AS t
LEFT JOIN problems AS p
       ON p.experiment_id = t.experiment_id AND p.task = t.task AND p.problem_id = t.problem_id
LEFT JOIN arms AS a ON a.experiment_id = t.experiment_id AND a.arm = t.arm
LEFT JOIN experiments AS e ON e.experiment_id = t.experiment_id
WHERE t.trial_id = $trial_id;
