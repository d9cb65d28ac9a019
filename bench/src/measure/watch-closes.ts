import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceProcess } from '../../../scripts/servers/processes.ts'
import { readResidentKb } from './heap.ts'

export interface Closes {
  /** The most that the process has grown by since the start. */
  grownKb: number
  /** How many connections it gave up, by its own count. */
  given: number
  /** The longest from then until the system had one connection less; NaN where none was given up. */
  longestMs: number
}

const POLL_MS = 200
const COUNTER = /^chatbox_slow_readers_closed_total (\d+)$/m

/** Looks at a process from outside while connections of it do not read. */
export async function watchCloses(gateway: ServiceProcess): Promise<() => Promise<Closes>> {
  const before = { kb: await readResidentKb(gateway.pid), files: await countFiles(gateway) }
  const givenAt: number[] = []
  const goneAt: number[] = []
  let grownKb = 0
  let isDone = false

  async function look(): Promise<void> {
    const [kb, files, given] = await Promise.all([
      readResidentKb(gateway.pid),
      countFiles(gateway),
      readGiven(gateway),
    ])
    const now = performance.now()
    grownKb = Math.max(grownKb, kb - before.kb)
    while (givenAt.length < given) givenAt.push(now)
    while (goneAt.length < Math.min(before.files - files, givenAt.length)) goneAt.push(now)
  }

  async function lookOn(): Promise<void> {
    while (!isDone || goneAt.length < givenAt.length) {
      await look()
      await sleep(POLL_MS)
    }
  }

  const looking = lookOn()
  return async () => {
    isDone = true
    await looking
    const spans = goneAt.map((at, index) => at - (givenAt[index] ?? at))
    const longestMs = spans.length === 0 ? Number.NaN : Math.max(...spans)
    return { grownKb, given: givenAt.length, longestMs }
  }
}

async function countFiles({ pid }: ServiceProcess): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length
}

async function readGiven({ managementPort }: ServiceProcess): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${managementPort}/metrics`)
  return Number(COUNTER.exec(await answer.text())?.[1] ?? 0)
}
