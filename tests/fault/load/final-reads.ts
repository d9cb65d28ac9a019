import type { StorePorts } from '@chatbox/adapters'
import type { LogPage } from '@chatbox/core'
import { requestJson } from '@chatbox/client'
import { setTimeout as sleep } from 'node:timers/promises'
import { signToken } from '../../environment/tokens.ts'
import { toFinalMessage } from '../clients/viewer.ts'
import type { FinalMessage, FinalRead } from '../history.ts'
import type { DrivenSession } from './session-driver.ts'
import { tryOften } from './try-often.ts'
import { viewersOf } from './workload.ts'

export interface FinalReadOptions {
  sessions: readonly DrivenSession[]
  store: Pick<StorePorts, 'messages' | 'replies'>
  gatewayPorts: readonly number[]
  /** How long it may take until every question is settled and every viewer has everything. */
  timeoutMs: number
}

const PAGE = 200
const POLL_MS = 500
/** Other sessions may be under faults. */
const TRIES = 90

/** What did not come to rest in time; the checkers see its consequences. */
export interface Unsettled {
  openReplies: string[]
  /** Viewers that lack an entry. */
  behind: string[]
  /** Viewers whose outbox is not empty. */
  unsent: string[]
}

/** Waits until nothing is under way any more: no open question, no viewer that lacks an entry or has one to send. */
export async function waitUntilSettled(options: FinalReadOptions): Promise<Unsettled> {
  const deadline = performance.now() + options.timeoutMs
  let quiet = 0
  for (;;) {
    const unsettled = await tryOften(TRIES, () => findUnsettled(options))
    const isQuiet = Object.values(unsettled).every((texts: string[]) => texts.length === 0)
    quiet = isQuiet ? quiet + 1 : 0
    // Twice: what settled a question may be about to begin the next one.
    if (quiet === 2 || performance.now() > deadline) return unsettled
    await sleep(POLL_MS)
  }
}

async function findUnsettled({ sessions, store }: FinalReadOptions): Promise<Unsettled> {
  const unsettled: Unsettled = { openReplies: [], behind: [], unsent: [] }
  for (const session of sessions) {
    const open = await store.replies.findOpen(session.sessionId)
    if (open) unsettled.openReplies.push(`${session.sessionId}/${open.messageId} ${open.state}`)
    const head = await readHead(store, session.sessionId)
    for (const viewer of viewersOf(session)) {
      if (viewer.lastSeq() < head || !viewer.isAtRest()) {
        unsettled.behind.push(`${viewer.name} at ${viewer.lastSeq()} of ${head}`)
      }
    }
    for (const core of session.cores) {
      if (core.unsent() > 0) unsettled.unsent.push(`${core.name} has ${core.unsent()}`)
    }
  }
  return unsettled
}

async function readHead(store: FinalReadOptions['store'], sessionId: string): Promise<number> {
  const { messages } = await store.messages.read(sessionId, { limit: 1 })
  return messages.at(-1)?.seq ?? 0
}

/** What each viewer of a session shows now. */
export function readShown(session: DrivenSession): FinalRead[] {
  return viewersOf(session).map((viewer) => {
    // A viewer whose session became another one shows that one.
    const { name: reader, sessionId } = viewer
    return { source: 'shown', reader, sessionId, messages: viewer.shown() }
  })
}

/** A session's log read anew: over each gateway, and from the store. */
export async function readAnew(
  options: FinalReadOptions,
  session: DrivenSession,
): Promise<FinalRead[]> {
  const { sessionId } = session
  const reads = await readOverHttp(options, session)
  const messages = await readFromStore(options.store, sessionId)
  return [...reads, { source: 'store', reader: 'store', sessionId, messages }]
}

async function readFromStore(
  store: FinalReadOptions['store'],
  sessionId: string,
): Promise<FinalMessage[]> {
  const all: FinalMessage[] = []
  for (;;) {
    const afterSeq = all.at(-1)?.seq ?? 0
    const read = (): Promise<LogPage> => store.messages.read(sessionId, { afterSeq, limit: PAGE })
    const { messages, hasMore } = await tryOften(TRIES, read)
    all.push(...messages.map(toFinalMessage))
    if (!hasMore) return all
  }
}

/** Once over each gateway, by the user whom all viewers of the session are. */
async function readOverHttp(
  options: FinalReadOptions,
  session: DrivenSession,
): Promise<FinalRead[]> {
  const token = await signToken({ sub: `user-${session.name.slice(1)}` })
  const reading = options.gatewayPorts.map(async (port, index): Promise<FinalRead> => {
    const messages = await readPages(port, session.sessionId, token)
    const { sessionId } = session
    return { source: 'http', reader: `${session.name}-http-${index}`, sessionId, messages }
  })
  return Promise.all(reading)
}

async function readPages(port: number, sessionId: string, token: string): Promise<FinalMessage[]> {
  const base = `http://127.0.0.1:${port}/chatbox/api/sessions/${sessionId}/messages`
  const headers = { authorization: `Bearer ${token}` }
  const all: FinalMessage[] = []
  for (;;) {
    const url = `${base}?afterSeq=${all.at(-1)?.seq ?? 0}&limit=${PAGE}`
    const page = await tryOften(TRIES, () => requestJson(url, { headers }))
    const { messages, hasMore } = page as Page
    all.push(...messages.map(toFinalMessage))
    if (!hasMore) return all
  }
}

interface Page {
  messages: Parameters<typeof toFinalMessage>[0][]
  hasMore: boolean
}
