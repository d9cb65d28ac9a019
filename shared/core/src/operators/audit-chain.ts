import type { AuditEntry, AuditLog } from '../ports/operators/audit-log.ts'

/** What an entry of the chain was once: its place and its hash, kept outside of the store. */
export interface AuditHead {
  seq: number
  hash: string
}

/**
 * `cut_front`: the chain begins later than its last trim says. `cut_tail`: a head that was kept
 * elsewhere is not there any more. `replaced`: another entry is in its place.
 */
export type AuditFaultKind =
  'changed' | 'unknown_key' | 'missing' | 'unlinked' | 'cut_front' | 'cut_tail' | 'replaced'

export interface AuditFault {
  seq: number
  fault: AuditFaultKind
}

export interface AuditReport {
  /** The first faults, at most `MAX_FAULTS`. */
  faults: AuditFault[]
  /** How many entries were looked at. */
  checked: number
  /** The last of them. */
  head: AuditHead | undefined
  /** Where to go on; undefined at the end. */
  next: number | undefined
}

export const AUDIT_TRIM = 'audit:trim'
export const MAX_FAULTS = 20
const PAGE = 500

interface VerifyOptions {
  /** Goes on after this entry. */
  after?: number
  /** How many entries at most. */
  limit: number
  /** A head from a log line or an earlier report. */
  known?: AuditHead | undefined
}

type Chain = Pick<AuditLog, 'list' | 'read'>

/**
 * Checks entries of the chain, their order and their links. Without a `known` head nobody can tell a
 * chain from what it was some time ago: a tail that was cut, or a whole store that was restored.
 */
export async function verifyAudit(
  log: Chain,
  { after = 0, limit, known }: VerifyOptions,
): Promise<AuditReport> {
  const faults: AuditFault[] = []
  let previous = await findEntry(log, after)
  let checked = 0
  let isAtEnd = false
  while (!isAtEnd && checked < limit) {
    const size = Math.min(PAGE, limit - checked)
    const entries = await log.read(previous?.seq ?? after, size)
    for (const entry of entries) {
      faults.push(...(await findFaults(log, previous, entry)), ...findReplaced(entry, known))
      previous = entry
    }
    checked += entries.length
    isAtEnd = entries.length < size
  }
  const head = toHead(previous)
  if (isAtEnd) faults.push(...findCutTail(head, known))
  const next = isAtEnd ? undefined : head?.seq
  return { faults: faults.slice(0, MAX_FAULTS), checked, head, next }
}

function toHead(entry: AuditEntry | undefined): AuditHead | undefined {
  return entry && { seq: entry.seq, hash: entry.hash }
}

async function findEntry(log: Chain, seq: number): Promise<AuditEntry | undefined> {
  if (seq === 0) return undefined
  const [entry] = await log.read(seq - 1, 1)
  return entry?.seq === seq ? entry : undefined
}

function findCutTail(last: AuditHead | undefined, known: AuditHead | undefined): AuditFault[] {
  return known && known.seq > (last?.seq ?? 0) ? [{ seq: known.seq, fault: 'cut_tail' }] : []
}

async function findFaults(
  log: Chain,
  previous: AuditEntry | undefined,
  { seq, previous: link, state }: AuditEntry,
): Promise<AuditFault[]> {
  const faults: AuditFault[] = state === 'intact' ? [] : [{ seq, fault: state }]
  if (!previous) {
    if (seq > 1 && seq > (await findTrimmed(log)) + 1) faults.push({ seq, fault: 'cut_front' })
  } else if (seq !== previous.seq + 1) {
    faults.push({ seq: previous.seq + 1, fault: 'missing' })
  } else if (link !== previous.hash) {
    faults.push({ seq, fault: 'unlinked' })
  }
  return faults
}

function findReplaced({ seq, hash }: AuditEntry, known: AuditHead | undefined): AuditFault[] {
  return known?.seq === seq && known.hash !== hash ? [{ seq, fault: 'replaced' }] : []
}

/** Returns up to where the chain was trimmed. Only an entry that is intact can say so. */
async function findTrimmed(log: Chain): Promise<number> {
  const [trim] = await log.list({ action: AUDIT_TRIM, limit: 1 })
  return trim?.state === 'intact' ? Number(trim.target) : 0
}

/**
 * Forgets the entries from before `before`, and says so first in an entry of the chain. Looks at
 * most at `limit` entries; the next call goes on. Returns how many are forgotten.
 */
export async function trimAudit(
  log: AuditLog,
  { before, now, limit = 10_000 }: { before: Date; now: Date; limit?: number },
): Promise<number> {
  let count = 0
  let last = 0
  while (count < limit) {
    const entries = await log.read(last, PAGE)
    const young = entries.findIndex(({ at }) => at >= before)
    const old = young === -1 ? entries : entries.slice(0, young)
    last = old.at(-1)?.seq ?? last
    count += old.length
    if (old.length < PAGE) break
  }
  if (count === 0) return 0
  await log.append({ at: now, actor: 'system', action: AUDIT_TRIM, target: String(last) })
  await log.remove(last)
  return count
}
