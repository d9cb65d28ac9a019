import type { DatabaseSync } from 'node:sqlite'

const TABLES = `
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    -- The user while active, the session itself afterwards: one active session a user.
    active_key TEXT NOT NULL UNIQUE,
    started_at TEXT NOT NULL,
    sealed TEXT NOT NULL,
    seq INTEGER NOT NULL,
    status TEXT NOT NULL,
    last_activity_at TEXT NOT NULL,
    state TEXT NOT NULL,
    state_sealed TEXT NOT NULL
  ) STRICT;

  -- A user's list, latest activity first.
  CREATE INDEX sessions_of_user ON sessions (user_id, last_activity_at DESC, id DESC);
  -- The idle sweep, longest idle first.
  CREATE INDEX sessions_active ON sessions (last_activity_at) WHERE status = 'active';

  CREATE TABLE messages (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    seq INTEGER NOT NULL,
    head TEXT NOT NULL,
    sealed TEXT NOT NULL,
    state TEXT NOT NULL,
    state_sealed TEXT NOT NULL,
    -- The log's order, and every page of it.
    UNIQUE (session_id, seq)
  ) STRICT;

  -- The work that an entry asks for, at most once of each kind. Today a question asks for its reply.
  CREATE TABLE tasks (
    message_id TEXT NOT NULL REFERENCES messages (id),
    kind TEXT NOT NULL,
    session_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    state TEXT NOT NULL,
    open INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    -- Milliseconds. While it is pending: since when, else when a sweep may take it up; moved on by a
    -- sweep that does.
    due_at INTEGER NOT NULL,
    -- While it runs: only a claim may follow.
    lease_ends_at INTEGER,
    -- The result, from the commit to the settlement.
    sealed TEXT,
    -- Of a reply.
    reply_id TEXT,
    model_id TEXT,
    attempts INTEGER,
    stop_requested INTEGER,
    asked_at TEXT,
    PRIMARY KEY (message_id, kind)
  ) STRICT;

  -- The oldest open task of a session, its stops and cancellations.
  CREATE INDEX tasks_open ON tasks (session_id, kind, seq) WHERE open = 1;
  -- The sweeps for tasks left behind, however many others wait.
  CREATE INDEX tasks_due ON tasks (kind, state, due_at) WHERE open = 1;
  -- The question of a reply that is asked for again.
  CREATE INDEX tasks_of_reply ON tasks (session_id, reply_id);

  -- Which reply took the place of which: a retry that is repeated has one answer.
  CREATE TABLE retries (
    session_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    question_id TEXT NOT NULL REFERENCES messages (id),
    reply_id TEXT NOT NULL,
    PRIMARY KEY (session_id, message_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE conversations (
    session_id TEXT NOT NULL,
    model_id TEXT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (session_id, model_id)
  ) STRICT, WITHOUT ROWID;
`

const BUDGETS = `
  -- Whose budget the answer uses, as JSON.
  ALTER TABLE tasks ADD COLUMN payer TEXT;

  -- What answers have used, by day and account.
  CREATE TABLE budgets (
    day TEXT NOT NULL,
    account TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    PRIMARY KEY (day, account)
  ) STRICT, WITHOUT ROWID;

  -- What was counted, so that it is not counted twice.
  CREATE TABLE charges (
    day TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (day, id)
  ) STRICT, WITHOUT ROWID;
`

const LANES = `
  -- Whose turn the jobs of the question take.
  ALTER TABLE tasks ADD COLUMN lane TEXT;
`

const SIGN_IN = `
  CREATE TABLE revocations (
    user_id TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    before INTEGER NOT NULL,
    by_id TEXT NOT NULL,
    ended INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- What has changed since a moment.
  CREATE INDEX revocations_changed ON revocations (changed_at, user_id);

  CREATE TABLE sign_in_tickets (
    digest TEXT PRIMARY KEY,
    browser TEXT,
    sealed TEXT NOT NULL,
    ends_at INTEGER NOT NULL,
    used_at INTEGER
  ) STRICT, WITHOUT ROWID;

  -- What may be forgotten.
  CREATE INDEX sign_in_tickets_ended ON sign_in_tickets (ends_at);
`

const INBOX = `
  -- When the row last changed, in milliseconds.
  ALTER TABLE sessions ADD COLUMN changed_at INTEGER;

  -- What has changed since a moment.
  CREATE INDEX sessions_changed ON sessions (changed_at, id);
  -- All sessions by time.
  CREATE INDEX sessions_listed ON sessions (last_activity_at, id);
  CREATE INDEX sessions_started ON sessions (started_at, id);
  -- The active ones by id, and the number of those that have ended.
  CREATE INDEX sessions_active_ids ON sessions (id) WHERE status = 'active';
  CREATE INDEX sessions_ended ON sessions (status) WHERE status = 'ended';

  -- How far each operator has read.
  CREATE TABLE read_marks (
    operator_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    -- The number of the user's messages up to there.
    user_texts INTEGER NOT NULL,
    moved_at INTEGER NOT NULL,
    PRIMARY KEY (operator_id, session_id)
  ) STRICT, WITHOUT ROWID;

  -- What has moved since a moment, and the latest of an operator.
  CREATE INDEX read_marks_moved ON read_marks (moved_at);
  CREATE INDEX read_marks_of_operator ON read_marks (operator_id, moved_at);
`

const ALERTS = `
  CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    rule TEXT NOT NULL,
    session_id TEXT,
    about TEXT,
    state TEXT NOT NULL,
    reason TEXT,
    told_by TEXT,
    opened_at INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    size INTEGER NOT NULL,
    -- While it is open: when it is due, or when the lease of its claim ends.
    due_at INTEGER,
    -- The deliveries.
    sealed TEXT
  ) STRICT;

  -- What is due, or was left behind.
  CREATE INDEX alerts_due ON alerts (due_at) WHERE due_at IS NOT NULL;
  -- The list, latest first.
  CREATE INDEX alerts_opened ON alerts (opened_at DESC, id DESC);
  -- How many of a rule wait.
  CREATE INDEX alerts_of_rule ON alerts (rule, opened_at) WHERE due_at IS NOT NULL;

  -- The last message of each rule.
  CREATE TABLE alert_groups (
    rule TEXT PRIMARY KEY,
    leader TEXT NOT NULL,
    cut_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- The messages that count against a cap.
  CREATE TABLE alert_places (
    bucket TEXT NOT NULL,
    place INTEGER NOT NULL,
    alert_id TEXT NOT NULL,
    taken_at INTEGER NOT NULL,
    PRIMARY KEY (bucket, place)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE alert_channels (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    sealed TEXT NOT NULL
  ) STRICT;
`

const AUDIT = `
  -- The chain of what operators and admins did.
  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    session_id TEXT,
    target TEXT,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    seal TEXT NOT NULL
  ) STRICT;

  -- The entries of an actor, and of an action.
  CREATE INDEX audit_of_actor ON audit (actor, seq);
  CREATE INDEX audit_of_action ON audit (action, seq);
`

const DESK = `
  -- The head of the operators' log, as JSON.
  ALTER TABLE sessions ADD COLUMN desk TEXT;

  CREATE TABLE desk_entries (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    seq INTEGER NOT NULL,
    sealed TEXT NOT NULL,
    -- The log's order, and every page of it.
    UNIQUE (session_id, seq)
  ) STRICT;

  -- What operators have not sent yet.
  CREATE TABLE desk_drafts (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    operator_id TEXT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (session_id, operator_id)
  ) STRICT, WITHOUT ROWID;
`

/**
 * The step to each version. A file's version is its `user_version`; one without tables has 0. A
 * released step never changes.
 */
const STEPS = [TABLES, BUDGETS, LANES, SIGN_IN, INBOX, ALERTS, AUDIT, DESK]

/** Creates the tables in a new file, or adds those that are missing. Throws if a newer version wrote the file. */
export function prepareSchema(db: DatabaseSync): void {
  // An existing file is opened without the write lock, which a busy writer may hold.
  if (readVersion(db) === STEPS.length) return
  db.exec('BEGIN IMMEDIATE')
  try {
    const version = readVersion(db)
    if (version > STEPS.length) throw new Error('the file was written by a newer version')
    for (const step of STEPS.slice(version)) db.exec(step)
    db.exec(`PRAGMA user_version = ${STEPS.length}`)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

function readVersion(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version)
}
