import type { IndexDescription } from 'mongodb'

/**
 * Every index and why it is there. None is partial, which not every compatible server honours: each
 * document has a value for each unique key, and what is indexed of open questions is removed from
 * the document when they are settled, so that sparse indexes stay small.
 */
export const SESSION_INDEXES: IndexDescription[] = [
  // One active session a user; afterwards the key is the session's own.
  { name: 'active', key: { activeKey: 1 }, unique: true },
  // A user's list, latest activity first.
  { name: 'of_user', key: { userId: 1, lastActivityAt: -1, _id: -1 } },
  // The idle sweep, longest idle first.
  { name: 'idle', key: { status: 1, lastActivityAt: 1 } },
]

/** The log's order, and every page of it: whoever inserts the next seq first has decided. */
export const LOG_INDEX = {
  name: 'log',
  key: { sessionId: 1, seq: 1 },
  unique: true,
} satisfies IndexDescription

export const MESSAGE_INDEXES: IndexDescription[] = [
  LOG_INDEX,
  // The oldest open question of a session, its stops and cancellations.
  { name: 'reply_open', key: { 'tasks.reply.openIn': 1 }, sparse: true },
  // The sweep for questions that nobody finishes.
  { name: 'reply_due', key: { 'tasks.reply.dueAt': 1 }, sparse: true },
  // The sweep for questions whose job may be lost, however many wait.
  { name: 'reply_waits', key: { 'tasks.reply.waitsSince': 1 }, sparse: true },
]
