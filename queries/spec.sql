-- What an experiment was asked to do
-- Grain: one row; none if there is no such experiment.
-- Units: none; `spec` is the experiment file as JSON.
-- $experiment_id VARCHAR: the experiment
SELECT experiment_id, name, spec
FROM experiments
WHERE experiment_id = $experiment_id;
