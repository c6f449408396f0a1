-- The database of Four Dials. Derived from journals and recorded Parquet; may be deleted and rebuilt at any time.
-- Times are seconds since the epoch, durations seconds, money US dollars. NULL is "unknown", never "none".

CREATE TABLE IF NOT EXISTS experiments (
    experiment_id VARCHAR PRIMARY KEY,
    name VARCHAR NOT NULL,
    spec JSON NOT NULL,
    status VARCHAR NOT NULL,            -- queued, running, finished, stopped, failed
    status_detail VARCHAR,              -- why it stopped or failed
    created_at DOUBLE NOT NULL,
    finished_at DOUBLE,
    version VARCHAR NOT NULL,
    seed BIGINT NOT NULL,
    provenance VARCHAR NOT NULL,        -- real, scale model, simulated, recorded
    simulated BOOLEAN NOT NULL,
    recorded BOOLEAN NOT NULL,
    planned_trials BIGINT NOT NULL,
    price_date VARCHAR                  -- day of the newest price row used
);

CREATE TABLE IF NOT EXISTS arms (
    experiment_id VARCHAR NOT NULL,
    arm VARCHAR NOT NULL,
    strategy VARCHAR NOT NULL,
    dial VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    nested BOOLEAN NOT NULL,
    access VARCHAR NOT NULL,            -- given, search, environment: what information the arm is given
    levels JSON NOT NULL,
    knobs JSON NOT NULL,
    lineup JSON NOT NULL,
    share DOUBLE,
    PRIMARY KEY (experiment_id, arm)
);

CREATE TABLE IF NOT EXISTS problems (
    experiment_id VARCHAR NOT NULL,
    task VARCHAR NOT NULL,
    problem_id VARCHAR NOT NULL,
    cluster_id VARCHAR NOT NULL,
    difficulty DOUBLE NOT NULL,
    question VARCHAR NOT NULL,
    reference JSON,
    chance DOUBLE NOT NULL,             -- success rate of a uniform guess; 0 where answers cannot be listed
    constant_score DOUBLE NOT NULL,     -- score of the one answer that is right most often
    PRIMARY KEY (experiment_id, task, problem_id)
);

CREATE TABLE IF NOT EXISTS trials (
    trial_id VARCHAR PRIMARY KEY,
    experiment_id VARCHAR NOT NULL,
    task VARCHAR NOT NULL,
    problem_id VARCHAR NOT NULL,
    cluster_id VARCHAR NOT NULL,
    difficulty DOUBLE NOT NULL,
    arm VARCHAR NOT NULL,
    strategy VARCHAR NOT NULL,
    dial VARCHAR NOT NULL,
    nested BOOLEAN NOT NULL,
    access VARCHAR NOT NULL,
    knobs JSON NOT NULL,
    lineup JSON NOT NULL,
    model VARCHAR NOT NULL,             -- the solver
    repeat INTEGER NOT NULL,
    block INTEGER NOT NULL,
    max_level INTEGER NOT NULL,
    outcome VARCHAR NOT NULL,
    stop_reason VARCHAR NOT NULL,
    score DOUBLE,                       -- NULL for infra_error and grader_error
    answer VARCHAR,
    level INTEGER NOT NULL,             -- level of the last checkpoint
    calls BIGINT NOT NULL,              -- the bill: everything paid, failed attempts apart
    failed_attempts BIGINT NOT NULL,
    prompt_tokens BIGINT,
    cached_tokens BIGINT,
    completion_tokens BIGINT,
    reasoning_tokens BIGINT,
    usd DOUBLE,
    wall_s DOUBLE NOT NULL,
    searches BIGINT NOT NULL,
    env_steps BIGINT NOT NULL,
    started_at DOUBLE NOT NULL,
    finished_at DOUBLE NOT NULL,
    error JSON
);

CREATE TABLE IF NOT EXISTS checkpoints (
    trial_id VARCHAR NOT NULL,
    seq INTEGER NOT NULL,
    level INTEGER NOT NULL,
    answer VARCHAR,
    score DOUBLE,
    outcome VARCHAR NOT NULL,
    detail JSON,
    PRIMARY KEY (trial_id, seq)
);

CREATE TABLE IF NOT EXISTS calls (
    call_id VARCHAR PRIMARY KEY,
    experiment_id VARCHAR NOT NULL,
    trial_id VARCHAR NOT NULL,
    seq INTEGER NOT NULL,               -- order of issue within the trial
    request_id VARCHAR NOT NULL,        -- samples of one request share it
    path VARCHAR NOT NULL,              -- branch of the strategy; '' for the trunk
    idx INTEGER NOT NULL,               -- place within the branch; with path it identifies the call on replay
    segment INTEGER NOT NULL,           -- 0, or the number of a later cut of one thought (not a call of its own)
    parents VARCHAR[] NOT NULL,         -- calls this one waited for
    role VARCHAR NOT NULL,
    part VARCHAR NOT NULL,              -- solver, verifier, …: the place in the line-up
    model VARCHAR NOT NULL,
    route VARCHAR NOT NULL,
    level INTEGER NOT NULL,             -- level at which a deployment would first need it
    probe BOOLEAN NOT NULL,             -- only reads off the answer at that one level
    request_hash VARCHAR NOT NULL,
    request JSON NOT NULL,              -- {format, parts: [[role, text or {"sha256": …}]], temperature, max_tokens, seed, choices, stop}
    reply VARCHAR,
    extracted VARCHAR,
    finish_reason VARCHAR,
    attempt INTEGER NOT NULL,
    usage JSON,                         -- the provider's block as given; on the first row of a request
    prompt_tokens BIGINT,
    cached_tokens BIGINT,
    cache_write_tokens BIGINT,
    completion_tokens BIGINT,
    reasoning_tokens BIGINT,
    usage_estimated BOOLEAN NOT NULL,
    usd DOUBLE,                         -- at list price without caching
    usd_paid DOUBLE,                    -- with the provider's cache discounts
    started_at DOUBLE NOT NULL,
    latency_s DOUBLE,                   -- realised; shared by the samples of one request
    queued_s DOUBLE,
    path_s DOUBLE,                      -- longest realised path that ends with this call
    modelled_path_s DOUBLE,             -- the same from calibrated prefill and decode rates
    error JSON                          -- set on a failed attempt; such rows are charged apart
);

CREATE TABLE IF NOT EXISTS texts (
    sha256 VARCHAR PRIMARY KEY,
    text VARCHAR NOT NULL
);

CREATE TABLE IF NOT EXISTS steps (
    trial_id VARCHAR NOT NULL,
    seq INTEGER NOT NULL,
    level INTEGER NOT NULL,
    kind VARCHAR NOT NULL,              -- search, env_step, look, vote, discard, note
    payload JSON NOT NULL,
    at DOUBLE NOT NULL,
    PRIMARY KEY (trial_id, seq)
);

CREATE TABLE IF NOT EXISTS lost_calls (  -- started, but its worker died before the result was written
    call_id VARCHAR PRIMARY KEY,
    trial_id VARCHAR NOT NULL,
    started_at DOUBLE NOT NULL
);

CREATE TABLE IF NOT EXISTS ingested (
    path VARCHAR PRIMARY KEY,           -- journal, relative to the home
    bytes BIGINT NOT NULL
);

-- What stopping each trial at each checkpoint's level would have cost: calls entering at levels up to it, plus the
-- probes of exactly that level. Failed attempts are apart. NULL where a token count or price is unknown.
CREATE OR REPLACE VIEW spend AS
WITH paid AS (
    SELECT trial_id, level, probe, segment, prompt_tokens, completion_tokens, reasoning_tokens, usd, usd_paid,
           path_s, modelled_path_s
    FROM calls
    WHERE error IS NULL
)
SELECT c.trial_id,
       c.level,
       count(p.trial_id) FILTER (p.segment = 0) AS calls,
       CASE WHEN count(p.trial_id) = count(p.prompt_tokens)
            THEN coalesce(sum(p.prompt_tokens), 0) END AS prompt_tokens,
       CASE WHEN count(p.trial_id) = count(p.completion_tokens)
            THEN coalesce(sum(p.completion_tokens), 0) END AS completion_tokens,
       CASE WHEN count(p.trial_id) = count(p.prompt_tokens + p.completion_tokens)
            THEN coalesce(sum(p.prompt_tokens + p.completion_tokens), 0) END AS total_tokens,
       CASE WHEN count(p.trial_id) = count(p.usd) THEN coalesce(sum(p.usd), 0) END AS usd,
       CASE WHEN count(p.trial_id) = count(p.usd_paid) THEN coalesce(sum(p.usd_paid), 0) END AS usd_paid,
       CASE WHEN count(p.trial_id) = count(p.path_s) THEN coalesce(max(p.path_s), 0) END AS critical_path_s,
       CASE WHEN count(p.trial_id) = count(p.modelled_path_s)
            THEN coalesce(max(p.modelled_path_s), 0) END AS modelled_s
FROM (SELECT DISTINCT trial_id, level FROM checkpoints) AS c
LEFT JOIN paid AS p
       ON p.trial_id = c.trial_id AND (CASE WHEN p.probe THEN p.level = c.level ELSE p.level <= c.level END)
GROUP BY c.trial_id, c.level;
