import { setTimeout as sleep } from 'node:timers/promises'
import type { StorePorts } from '@chatbox/adapters'
import { requestJson } from '@chatbox/client'
import { signToken } from '../../environment/tokens.ts'
import { toFinalMessage } from '../clients/viewer.ts'
import type { FinalMessage, FinalRead } from '../history.ts'
import type { DrivenSession } from './session-driver.ts'
import { tryOften, viewersOf } from './workload.ts'

export interface FinalReadOptions {
  session: DrivenSession
  store: Pick<StorePorts, 'messages' | 'replies'>
  gatewayPorts: readonly number[]
  /** The time limit until every question is settled and every viewer is complete. */
  timeoutMs: number
}

const PAGE = 200
const POLL_MS = 500
/** Other sessions may still be under faults. */
const TRIES = 90

/**
 * Waits until nothing is in progress: no open question, and no viewer with a missing entry or an
 * unsent message. Reports what did not settle in time; the checkers see the consequences.
 */
export async function waitUntilSettled(options: FinalReadOptions): Promise<string[]> {
  const deadline = performance.now() + options.timeoutMs
  let quiet = 0
  for (;;) {
    const unsettled = await tryOften(TRIES, () => findUnsettled(options))
    quiet = unsettled.length === 0 ? quiet + 1 : 0
    // Check twice, because settling a question may start the next one.
    if (quiet === 2 || performance.now() > deadline) return unsettled
    await sleep(POLL_MS)
  }
}

async function findUnsettled({ session, store }: FinalReadOptions): Promise<string[]> {
  const { sessionId, core } = session
  const open = await store.replies.findOpen(sessionId)
  const { messages } = await store.messages.read(sessionId, { limit: 1 })
  const head = messages.at(-1)?.seq ?? 0
  const behind = viewersOf(session)
    .filter((viewer) => viewer.lastSeq() < head || !viewer.isAtRest())
    .map((viewer) => `still behind at the end: ${viewer.name} at ${viewer.lastSeq()} of ${head}`)
  return [
    ...(open ? [`still open at the end: ${sessionId}/${open.messageId} ${open.state}`] : []),
    ...behind,
    ...(core.unsent() > 0
      ? [`still to be sent at the end: ${core.name} has ${core.unsent()}`]
      : []),
  ]
}

/** Returns what each viewer of a session shows now. */
export function readShown(session: DrivenSession): FinalRead[] {
  return viewersOf(session).map((viewer) => {
    // A viewer that has moved to another session shows that one.
    const { name: reader, sessionId } = viewer
    return { source: 'shown', reader, sessionId, messages: viewer.shown() }
  })
}

/** Reads a session's log again: from each gateway as the viewers' user, and from the store. */
export async function readAnew(options: FinalReadOptions): Promise<FinalRead[]> {
  const { store, gatewayPorts, session } = options
  const { sessionId, name } = session
  const token = await signToken({ sub: `user-${name.slice(1)}` })
  const reading = gatewayPorts.map(async (port, index): Promise<FinalRead> => {
    const base = `http://127.0.0.1:${port}/chatbox/api/sessions/${sessionId}/messages`
    const headers = { authorization: `Bearer ${token}` }
    const messages = await readPages(async (afterSeq) => {
      const url = `${base}?afterSeq=${afterSeq}&limit=${PAGE}`
      return (await requestJson(url, { headers })) as Page
    })
    return { source: 'http', reader: `${name}-http-${index}`, sessionId, messages }
  })
  const messages = await readPages((afterSeq) =>
    store.messages.read(sessionId, { afterSeq, limit: PAGE }),
  )
  return [
    ...(await Promise.all(reading)),
    { source: 'store', reader: 'store', sessionId, messages },
  ]
}

interface Page {
  messages: Parameters<typeof toFinalMessage>[0][]
  hasMore: boolean
}

async function readPages(read: (afterSeq: number) => Promise<Page>): Promise<FinalMessage[]> {
  const all: FinalMessage[] = []
  for (;;) {
    const afterSeq = all.at(-1)?.seq ?? 0
    const { messages, hasMore } = await tryOften(TRIES, () => read(afterSeq))
    all.push(...messages.map(toFinalMessage))
    if (!hasMore) return all
  }
}
