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
    origin VARCHAR NOT NULL,            -- provenance when it was run; differs where provenance is 'recorded'
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
    tasks JSON,                         -- names of the tasks it can run on; NULL for all
    uses_truth BOOLEAN,                 -- true if it asks a checker that knows the truth; NULL if not recorded
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
    constant_score DOUBLE,              -- score of the one answer that is right most often; NULL if a model grades
    oracle_steps BIGINT,                -- fewest steps to the right answer (environment's, else task's chain); NULL if none known
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
    cap_tokens BIGINT,                  -- tokens the trial was allowed, if drawn at random; NULL if not
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
    wall_s DOUBLE,                      -- NULL where an imported file does not say
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
    shared BIGINT,                      -- questions it was made for before any was known; NULL: made for this one alone
    request_hash VARCHAR NOT NULL,
    request JSON NOT NULL,              -- {format, parts: [[role, text or {"sha256": …}]], temperature, max_tokens, seed, choices, stop}
    reply VARCHAR,
    extracted VARCHAR,
    ballot VARCHAR,                     -- what an answer to the question says as a vote; NULL in other calls, older runs
    finish_reason VARCHAR,
    logprob DOUBLE,                     -- sum over the reply's tokens, natural logarithm
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
    "at" DOUBLE NOT NULL,               -- quoted: a keyword
    PRIMARY KEY (trial_id, seq)
);

CREATE TABLE IF NOT EXISTS lost_calls (  -- started, and no result yet: in flight, or lost with its worker
    call_id VARCHAR PRIMARY KEY,
    experiment_id VARCHAR NOT NULL,
    trial_id VARCHAR NOT NULL,
    started_at DOUBLE NOT NULL
);

CREATE TABLE IF NOT EXISTS regrades (    -- stored answers were graded once more, oldest first by `at`
    edit_id VARCHAR PRIMARY KEY,
    experiment_id VARCHAR NOT NULL,
    "at" DOUBLE NOT NULL,
    summary VARCHAR NOT NULL,           -- by what, and what it was before
    old JSON NOT NULL,                  -- parameters and grading model before and after, as far as they differ
    new JSON NOT NULL
);

CREATE TABLE IF NOT EXISTS regraded (    -- the checkpoints a regrade changed; checkpoints and trials show the result
    edit_id VARCHAR NOT NULL,
    experiment_id VARCHAR NOT NULL,
    trial_id VARCHAR NOT NULL,
    seq INTEGER NOT NULL,
    old_answer VARCHAR,
    old_score DOUBLE,
    old_outcome VARCHAR NOT NULL,
    answer VARCHAR,
    score DOUBLE,
    outcome VARCHAR NOT NULL,
    PRIMARY KEY (edit_id, trial_id, seq)
);

CREATE TABLE IF NOT EXISTS ingested (
    path VARCHAR PRIMARY KEY,           -- journal, relative to the home
    experiment_id VARCHAR NOT NULL,
    bytes BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS bad_lines (   -- lines that could not be read; the others of their file were
    path VARCHAR NOT NULL,
    byte_offset BIGINT NOT NULL,
    experiment_id VARCHAR NOT NULL,
    message VARCHAR NOT NULL,
    PRIMARY KEY (path, byte_offset)
);

CREATE TABLE IF NOT EXISTS recordings (  -- folders of recorded Parquet that were loaded
    name VARCHAR PRIMARY KEY,
    signature VARCHAR NOT NULL,         -- sizes and times of its files; another one means load again
    experiment_ids VARCHAR[] NOT NULL
);

CREATE TABLE IF NOT EXISTS schema_version (
    digest VARCHAR PRIMARY KEY          -- of this file; a database made by another version is rebuilt
);

-- What stopping each trial at each checkpoint's level would have cost: calls entering at levels up to it, plus the
-- probes of exactly that level. Failed attempts and grading are apart. NULL where a token count or price is unknown.
-- Of a call that was made ahead for several questions, each question is charged its share: tokens, dollars, the call.
-- `ids` lists experiments; NULL is all of them.
CREATE OR REPLACE MACRO spend_of(ids) AS TABLE
WITH paid AS (
    SELECT trial_id, level, probe, segment, path_s, modelled_path_s,
           1 / coalesce(shared, 1) AS calls,
           prompt_tokens / coalesce(shared, 1) AS prompt_tokens,
           completion_tokens / coalesce(shared, 1) AS completion_tokens,
           usd / coalesce(shared, 1) AS usd,
           usd_paid / coalesce(shared, 1) AS usd_paid
    FROM calls
    WHERE error IS NULL AND role <> 'grade' AND (ids IS NULL OR list_contains(ids, experiment_id))
),
stops AS (
    SELECT DISTINCT trial_id, level
    FROM checkpoints
    WHERE ids IS NULL
       OR trial_id IN (SELECT trial_id FROM trials WHERE list_contains(ids, experiment_id))
       OR trial_id IN (SELECT trial_id FROM paid)
)
SELECT c.trial_id,
       c.level,
       coalesce(sum(p.calls) FILTER (p.segment = 0), 0) AS calls,
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
FROM stops AS c
LEFT JOIN paid AS p
       ON p.trial_id = c.trial_id AND (CASE WHEN p.probe THEN p.level = c.level ELSE p.level <= c.level END)
GROUP BY c.trial_id, c.level;

CREATE OR REPLACE VIEW spend AS SELECT * FROM spend_of(NULL);

-- Trials that were cut short, by a cap, an allocator or for want of any answer: `after_level` is that of their last answer
-- (NULL for none). Somebody who deployed them to a higher level would have paid for every call they made, but for probes of
-- lower levels. A row per such call.
CREATE OR REPLACE MACRO cut_calls_of(ids) AS TABLE
WITH ended AS (
    SELECT t.trial_id, max(c.level) AS after_level
    FROM trials AS t
    LEFT JOIN checkpoints AS c ON c.trial_id = t.trial_id
    WHERE list_contains(ids, t.experiment_id)
    GROUP BY t.trial_id, t.stop_reason
    HAVING t.stop_reason NOT IN ('finished', 'max_level') OR count(c.trial_id) = 0
)
SELECT e.trial_id, e.after_level, c.model, c.segment, c.path_s, c.modelled_path_s,
       1 / coalesce(c.shared, 1) AS calls,
       c.prompt_tokens / coalesce(c.shared, 1) AS prompt_tokens,
       c.completion_tokens / coalesce(c.shared, 1) AS completion_tokens,
       c.usd / coalesce(c.shared, 1) AS usd,
       c.usd_paid / coalesce(c.shared, 1) AS usd_paid
FROM ended AS e
JOIN calls AS c ON c.trial_id = e.trial_id AND c.error IS NULL AND c.role <> 'grade'
               AND (NOT c.probe OR c.level = e.after_level);

CREATE OR REPLACE MACRO cut_spend_of(ids) AS TABLE
SELECT trial_id,
       any_value(after_level) AS after_level,
       coalesce(sum(calls) FILTER (segment = 0), 0) AS calls,
       CASE WHEN count(*) = count(completion_tokens) THEN sum(completion_tokens) END AS completion_tokens,
       CASE WHEN count(*) = count(prompt_tokens + completion_tokens)
            THEN sum(prompt_tokens + completion_tokens) END AS total_tokens,
       CASE WHEN count(*) = count(usd) THEN sum(usd) END AS usd,
       CASE WHEN count(*) = count(path_s) THEN max(path_s) END AS critical_path_s,
       CASE WHEN count(*) = count(modelled_path_s) THEN max(modelled_path_s) END AS modelled_s
FROM cut_calls_of(ids)
GROUP BY trial_id;

-- Blocks (a problem, a repeat, all arms that fit its task) and whether every trial planned for them has ended.
CREATE OR REPLACE MACRO blocks_of(ids) AS TABLE
WITH planned AS (
    SELECT experiment_id,
           tasks,
           CASE WHEN nested THEN 1
                ELSE len(list_filter(CAST(levels AS INTEGER[]), lambda level: level > 0)) END AS trials
    FROM arms
    WHERE list_contains(ids, experiment_id)
),
ended AS (
    SELECT experiment_id, block, any_value(task) AS task, count(*) AS trials
    FROM trials
    WHERE list_contains(ids, experiment_id)
    GROUP BY experiment_id, block
),
tasks AS (
    SELECT t.experiment_id, t.task, sum(p.trials) AS trials
    FROM (SELECT DISTINCT experiment_id, task FROM ended) AS t
    JOIN planned AS p
      ON p.experiment_id = t.experiment_id
     AND (p.tasks IS NULL OR list_contains(CAST(p.tasks AS VARCHAR[]), t.task))
    GROUP BY t.experiment_id, t.task
)
SELECT e.experiment_id, e.block, e.task, e.trials >= t.trials AS complete
FROM ended AS e
JOIN tasks AS t ON t.experiment_id = e.experiment_id AND t.task = e.task;

-- Trials of complete blocks of the chosen tasks and arms (NULL is all), with the unit they belong to. A unit is what one
-- deployment would be: a problem, an arm, a repeat; an arm that is not nested has several trials in a unit, one a level.
-- `failed` marks trials an infrastructure or grader error spoilt, `dropped` those of any block such a trial stands in.
CREATE OR REPLACE MACRO units_of(ids, chosen_tasks, chosen_arms) AS TABLE
WITH spoilt AS (
    SELECT DISTINCT trial_id
    FROM checkpoints
    WHERE outcome IN ('infra_error', 'grader_error')
),
chosen AS (
    SELECT t.trial_id, t.experiment_id, t.task, t.problem_id, t.cluster_id, t.difficulty, t.arm, t.strategy, t.dial,
           t.access, t.nested, t.repeat, t.block, t.max_level, t.outcome, t.stop_reason, t.score,
           t.outcome IN ('infra_error', 'grader_error') OR s.trial_id IS NOT NULL AS failed
    FROM trials AS t
    JOIN blocks_of(ids) AS b ON b.experiment_id = t.experiment_id AND b.block = t.block AND b.complete
    LEFT JOIN spoilt AS s ON s.trial_id = t.trial_id
    WHERE list_contains(ids, t.experiment_id)
      AND (chosen_tasks IS NULL OR list_contains(chosen_tasks, t.task))
      AND (chosen_arms IS NULL OR list_contains(chosen_arms, t.arm))
)
SELECT c.*,
       bool_or(failed) OVER (PARTITION BY experiment_id, block) AS dropped,
       dense_rank() OVER (ORDER BY experiment_id, block, arm) AS unit_id
FROM chosen AS c;

-- Units that arms may be judged by: those of complete blocks without a failure, but for blocks of which an allocator was
-- shown a grade. It chose by these grades, so what it chose does better on them than it will elsewhere.
CREATE OR REPLACE MACRO judged_of(ids, chosen_tasks, chosen_arms) AS TABLE
SELECT u.*
FROM units_of(ids, chosen_tasks, chosen_arms) AS u
ANTI JOIN (SELECT DISTINCT t.experiment_id, t.block
           FROM steps AS s
           JOIN trials AS t ON t.trial_id = s.trial_id
           WHERE s.kind = 'calibration' AND list_contains(ids, t.experiment_id)) AS shown
    ON shown.experiment_id = u.experiment_id AND shown.block = u.block
WHERE NOT u.dropped;

-- Every answer a unit could have stopped at, with what stopping there costs in `spend_unit`, those removed that a later
-- level reaches at equal or lower spend: so the value at budget b is the sum of `gain` where spend <= b. A unit without
-- any answer has one row whose level and spend are NULL and gain 0; its max_spend is all that it spent. An arm whose spend is unknown throughout is left out;
-- where only some of its units are unknown, their blocks are.
CREATE OR REPLACE MACRO points_of(ids, spend_unit, chosen_tasks, chosen_arms) AS TABLE
WITH kept AS (
    SELECT * FROM judged_of(ids, chosen_tasks, chosen_arms)
),
last_answers AS (  -- of trials that stand for one level as a whole
    SELECT c.trial_id, max(c.seq) AS seq
    FROM checkpoints AS c
    JOIN kept AS k ON k.trial_id = c.trial_id AND NOT k.nested
    GROUP BY c.trial_id
),
stops AS (
    SELECT k.unit_id,
           CASE WHEN k.nested THEN c.level ELSE k.max_level END AS level,
           c.seq,
           c.score,
           c.outcome,
           CASE spend_unit
                WHEN 'total_tokens' THEN CAST(s.total_tokens AS DOUBLE)
                WHEN 'usd' THEN s.usd
                WHEN 'completion_tokens' THEN CAST(s.completion_tokens AS DOUBLE)
                WHEN 'calls' THEN CAST(s.calls AS DOUBLE)
                WHEN 'modelled_s' THEN s.modelled_s
                WHEN 'critical_path_s' THEN s.critical_path_s
                WHEN 'level' THEN CAST(CASE WHEN k.nested THEN c.level ELSE k.max_level END AS DOUBLE)
                ELSE CAST(error('unit must be one of total_tokens, usd, completion_tokens, calls, modelled_s, '
                                || 'critical_path_s, level') AS DOUBLE) END AS spend
    FROM kept AS k
    JOIN checkpoints AS c ON c.trial_id = k.trial_id
    JOIN spend_of(ids) AS s ON s.trial_id = c.trial_id AND s.level = c.level
    WHERE k.nested OR EXISTS (SELECT 1 FROM last_answers AS l WHERE l.trial_id = c.trial_id AND l.seq = c.seq)
),
useful AS (
    SELECT *
    FROM stops
    QUALIFY spend < coalesce(min(spend) OVER (PARTITION BY unit_id ORDER BY level, seq
                                              ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING), 'infinity')
),
gained AS (
    SELECT unit_id, level, outcome, score, spend,
           coalesce(score, 0) - lag(coalesce(score, 0), 1, 0) OVER steps AS gain,
           CAST(outcome <> 'unanswered' AS INTEGER)
               - lag(CAST(outcome <> 'unanswered' AS INTEGER), 1, 0) OVER steps AS answered_gain
    FROM useful
    WINDOW steps AS (PARTITION BY unit_id ORDER BY level, seq)
),
units AS (
    SELECT k.*, coalesce(u.known, TRUE) AS known, coalesce(u.max_spend, w.max_spend, 0) AS max_spend
    FROM (SELECT unit_id, experiment_id, block, task, problem_id, cluster_id, arm, dial, strategy, access, repeat,
                 arg_max(stop_reason, max_level) = 'finished' AS finished
          FROM kept
          GROUP BY ALL) AS k
    LEFT JOIN (SELECT unit_id, bool_and(spend IS NOT NULL) AS known, max(spend) AS max_spend
               FROM stops
               GROUP BY unit_id) AS u ON u.unit_id = k.unit_id
    LEFT JOIN (SELECT k.unit_id,  -- never answered: known, and nothing, up to all that was spent
                      max(CASE spend_unit
                               WHEN 'total_tokens' THEN CAST(x.total_tokens AS DOUBLE)
                               WHEN 'usd' THEN x.usd
                               WHEN 'completion_tokens' THEN CAST(x.completion_tokens AS DOUBLE)
                               WHEN 'calls' THEN CAST(x.calls AS DOUBLE)
                               WHEN 'modelled_s' THEN x.modelled_s
                               WHEN 'critical_path_s' THEN x.critical_path_s END) AS max_spend
               FROM kept AS k
               JOIN cut_spend_of(ids) AS x ON x.trial_id = k.trial_id
               GROUP BY k.unit_id) AS w ON w.unit_id = k.unit_id
),
counted AS (
    SELECT *
    FROM (SELECT *, bool_or(known) OVER (PARTITION BY experiment_id, arm) AS arm_known FROM units)
    WHERE arm_known
    QUALIFY bool_and(known) OVER (PARTITION BY experiment_id, block)
)
SELECT c.unit_id, c.experiment_id, c.task, c.problem_id, c.cluster_id, c.arm, c.dial, c.strategy, c.access, c.repeat,
       k.trial_id,
       g.level,
       g.outcome,
       g.score,
       g.spend,
       coalesce(g.gain, 0) AS gain,
       g.answered_gain,
       c.max_spend,
       c.finished
FROM counted AS c
LEFT JOIN gained AS g ON g.unit_id = c.unit_id
LEFT JOIN kept AS k ON k.unit_id = g.unit_id AND (k.nested OR k.max_level = g.level);
