import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceProcess } from '../../../tests/environment/servers/processes.ts'
import { readResidentKb } from './heap.ts'

export interface Closes {
  /** The largest growth of the process since the start. */
  grownKb: number
  /** The number of connections that it closed, by its own count. */
  given: number
  /**
   * The longest time from closing a connection until the system held one less; NaN if none was
   * closed.
   */
  longestMs: number
}

const POLL_MS = 200
const GONE_TIMEOUT_MS = 30_000
const COUNTER = /^chatbox_slow_readers_closed_total (\d+)$/m

/**
 * Watches a process from outside while some connections do not read and no others open or close.
 * The returned function throws if a closed connection still exists 30 s after the end.
 */
export async function watchCloses(gateway: ServiceProcess): Promise<() => Promise<Closes>> {
  const before = {
    kb: await readResidentKb(gateway.pid),
    connections: await countConnections(gateway.port),
  }
  const givenAt: number[] = []
  const goneAt: number[] = []
  let grownKb = 0
  let endsAt = Infinity

  async function look(): Promise<void> {
    const [kb, connections, given] = await Promise.all([
      readResidentKb(gateway.pid),
      countConnections(gateway.port),
      readGiven(gateway),
    ])
    const now = performance.now()
    grownKb = Math.max(grownKb, kb - before.kb)
    while (givenAt.length < given) givenAt.push(now)
    const gone = Math.min(before.connections - connections, givenAt.length)
    while (goneAt.length < gone) goneAt.push(now)
  }

  async function lookOn(): Promise<void> {
    while (endsAt === Infinity || goneAt.length < givenAt.length) {
      if (performance.now() > endsAt) {
        throw new Error(`${goneAt.length} of ${givenAt.length} that were given up are closed`)
      }
      await look()
      await sleep(POLL_MS)
    }
  }

  const looking = lookOn()
  return async () => {
    endsAt = performance.now() + GONE_TIMEOUT_MS
    await looking
    const spans = goneAt.map((at, index) => at - (givenAt[index] ?? at))
    const longestMs = spans.length === 0 ? Number.NaN : Math.max(...spans)
    return { grownKb, given: givenAt.length, longestMs }
  }
}

async function readGiven({ managementPort }: ServiceProcess): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${managementPort}/metrics`)
  return Number(COUNTER.exec(await answer.text())?.[1] ?? 0)
}

const LISTENING = '0A'
/**
 * Marks a connection that no process holds any more, in place of its inode: Linux's
 * `proc_net_tcp.rst`.
 */
const NO_FILE = '0'

/** Returns how many connections to this port of 127.0.0.1 the system counts for its process. */
export async function countConnections(port: number): Promise<number> {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = (await readFile('/proc/net/tcp', 'utf8')).split('\n').slice(1)
  return rows.filter((row) => {
    const [, address, , state, , , , , , file] = row.trim().split(/\s+/u)
    return address === local && state !== LISTENING && file !== NO_FILE
  }).length
}
