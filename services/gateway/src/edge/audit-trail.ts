import { CLIENT_EVENTS, HTTP_ROUTES, type Audited, type User, type Who } from '@chatbox/contract'
import { trimAudit, type AuditEntry, type AuditLog, type Clock } from '@chatbox/core'
import { currentCall, type Logger, type Settings } from '@chatbox/kit'
import type { PendingWork } from './pending-work.ts'

interface Subject {
  sessionId?: string | undefined
  target?: string | undefined
}

interface TrailParts {
  audit: AuditLog
  clock: Clock
  logger: Logger
  work: PendingWork
  options: { operators: Pick<Settings['operators'], 'auditRetentionMs'> }
}

interface Rule {
  who: Who
  audit?: Audited
}

const RULES: Partial<Record<string, Rule>> = { ...HTTP_ROUTES, ...CLIENT_EVENTS }
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
/** How many entries of this minute a gateway knows. Beyond them a repetition is one more entry. */
const MAX_NOTED = 10_000

/**
 * Writes the audit log, before anything is done or shown: what could not be written is refused with
 * `UNAVAILABLE`, so nothing happens without an entry. An entry says that somebody was let in to a call,
 * not how the call ended.
 */
export class AuditTrail {
  readonly #parts: TrailParts
  /** The entries of this minute by what they say. */
  readonly #noted = new Map<string, Promise<unknown>>()
  #minute = 0
  #day = 0

  constructor(parts: TrailParts) {
    this.#parts = parts
  }

  /** Notes a call that only operators or admins may make. Of other calls it notes nothing. */
  async noteCall(call: string, who: User, readSubject: () => Subject): Promise<void> {
    const rule = RULES[call]
    if (rule && isForOthers(rule)) await this.#note(rule, { call, who, ...readSubject() })
  }

  /** Notes that the current call was let in to a session of somebody else. */
  async noteSession(who: User, sessionId: string): Promise<void> {
    const call = currentCall() ?? 'session'
    const rule = RULES[call] ?? { who: 'user' }
    if (!isForOthers(rule)) await this.#note(rule, { call, who, sessionId })
  }

  async #note(
    { audit = 'each' }: Rule,
    { call: action, who, sessionId, target }: Subject & { call: string; who: User },
  ): Promise<void> {
    const at = this.#parts.clock.now()
    const write = async (): Promise<void> => {
      const event = { at, actor: who.id, action, sessionId, target }
      this.#onWritten(await this.#parts.audit.append(event))
    }
    if (audit === 'each') await write()
    else if (audit === 'minute') {
      await this.#once(JSON.stringify([who.id, action, sessionId, target]), at, write)
    }
  }

  /** A call that comes while the entry is being written waits for it too. */
  async #once(key: string, at: Date, write: () => Promise<void>): Promise<void> {
    const minute = Math.floor(at.getTime() / MINUTE_MS)
    if (minute !== this.#minute || this.#noted.size >= MAX_NOTED) this.#noted.clear()
    this.#minute = minute
    const writing = this.#noted.get(key) ?? write()
    this.#noted.set(key, writing)
    try {
      await writing
    } catch (error) {
      this.#noted.delete(key)
      throw error
    }
  }

  /** Once a day: forgets what is old, and leaves the head in the log, where a cut tail shows. */
  #onWritten({ at, seq, hash }: AuditEntry): void {
    const day = Math.floor(at.getTime() / DAY_MS)
    if (day === this.#day) return
    this.#day = day
    const { logger, audit, work, options } = this.#parts
    logger.info({ auditHead: `${seq}.${hash}` }, 'audit log')
    const before = new Date(at.getTime() - options.operators.auditRetentionMs)
    work.add(
      trimAudit(audit, { before, now: at }).then(
        () => undefined,
        (error: unknown) => logger.warn({ err: error }, 'old audit entries not forgotten'),
      ),
    )
  }
}

function isForOthers({ who }: Rule): boolean {
  return who === 'operator' || who === 'admin'
}

/** The fields of an input that hold ids or words of this product. What else is in it is not noted. */
const TARGET_FIELDS = ['userId', 'from', 'jobId', 'class', 'paused', 'actor', 'state'] as const

/** Returns what a call is about. Parameters of a path are ids. */
export function toSubject(input: object, params: object = {}): Subject {
  const fields = new Map<string, unknown>(Object.entries(input))
  const sessionId = fields.get('sessionId')
  const parts = [
    ...Object.values(params).map(String),
    ...TARGET_FIELDS.flatMap((name) => toPart(name, fields.get(name))),
  ]
  return {
    ...(typeof sessionId === 'string' ? { sessionId } : {}),
    ...(parts.length > 0 ? { target: parts.join(' ') } : {}),
  }
}

function toPart(name: string, value: unknown): string[] {
  return typeof value === 'string' || typeof value === 'boolean' ? [`${name}=${value}`] : []
}
