import type { ErrorCode } from '@chatbox/contract'
import { currentAddress, type Logger, type Metrics, type SecurityEventKind } from '@chatbox/kit'

export interface SecurityEvents {
  /**
   * Counts an event. The metric moves at once; the log gets one line for each kind and address and
   * minute. Cheap enough for an event of every refused call. Never throws.
   */
  note(kind: SecurityEventKind, from?: SecurityEventSource): void
  /**
   * Counts an error that leaves as an answer, if its code says that a limit or a missing right is the
   * reason. Called where answers leave, so that no limit has to think of it.
   */
  refused(code: ErrorCode, from?: SecurityEventSource): void
  /** Logs what is not logged yet. */
  stop(): void
}

/** Refused tokens are counted where they are checked, because a limit may be what is answered. */
const REFUSALS: Partial<Record<ErrorCode, SecurityEventKind>> = {
  TOO_MANY_REQUESTS: 'limit-hit',
  CONNECTION_LIMIT: 'limit-hit',
  BUDGET_EXCEEDED: 'limit-hit',
  FORBIDDEN: 'forbidden',
}

interface SecurityEventSource {
  /** The address key; by default that of the current request. */
  address?: string | undefined
  /** Who caused the event, where a token says so. */
  userId?: string | undefined
}

/** What one line of the log will say. */
interface Tally {
  kind: SecurityEventKind
  /** Undefined for an event from inside, and for those of all addresses beyond the cap. */
  address: string | undefined
  count: number
  userIds: Set<string>
}

const LINE_EVERY_MS = 60_000
/** Beyond this number of lines a minute, the addresses of a kind share one line. */
export const MAX_TALLIES = 1000
/** The users that one line names. */
const MAX_USERS = 5

/**
 * Logs security events. A flood must not become a flood of lines, so each line covers a minute and
 * has a count. Users and addresses appear by pseudonym, because the log names no person, and nobody
 * without the key can try names against it. That of a user is the end of their session ids.
 */
export function createSecurityEvents({
  logger,
  metrics,
  pseudonym,
}: {
  logger: Pick<Logger, 'warn'>
  metrics: Pick<Metrics, 'securityEvent'>
  pseudonym: (name: string) => string
}): SecurityEvents {
  const tallies = new Map<string, Tally>()
  let timer: NodeJS.Timeout | undefined

  function logAll(): void {
    clearTimeout(timer)
    timer = undefined
    for (const { kind, address, count, userIds } of tallies.values()) {
      const from = address === undefined ? {} : { from: pseudonym(address) }
      const users = userIds.size === 0 ? {} : { users: [...userIds].map(pseudonym) }
      logger.warn({ kind, count, ...from, ...users }, 'security event')
    }
    tallies.clear()
  }

  function findOrAdd(kind: SecurityEventKind, wanted: string | undefined): Tally {
    const key = (address: string | undefined) => `${kind} ${address ?? ''}`
    const known = tallies.get(key(wanted))
    if (known) return known
    const address = tallies.size < MAX_TALLIES ? wanted : undefined
    const tally = tallies.get(key(address)) ?? { kind, address, count: 0, userIds: new Set() }
    tallies.set(key(address), tally)
    return tally
  }

  const note: SecurityEvents['note'] = (kind, { address = currentAddress(), userId } = {}) => {
    metrics.securityEvent(kind)
    const tally = findOrAdd(kind, address)
    tally.count++
    if (userId !== undefined && tally.userIds.size < MAX_USERS) tally.userIds.add(userId)
    timer ??= setTimeout(logAll, LINE_EVERY_MS).unref()
  }

  return {
    note,
    refused(code, from = {}) {
      const kind = REFUSALS[code]
      // Without a user it is a page of a site that may not be used, as any browser can open.
      if (kind === undefined || (kind === 'forbidden' && from.userId === undefined)) return
      note(kind, from)
    },
    stop: logAll,
  }
}
