import { fork } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { endWithThisProcess } from '../../../environment/servers/child.ts'
import { signToken } from '../../../environment/tokens.ts'

export interface CrowdOrder {
  /** Address of the page, such as `http://10.96.0.7/chatbox`. */
  url: string
  /** One for each person who is to be there. */
  tokens: readonly string[]
  /** How many come or go in a second. */
  perSecond: number
}

export interface CrowdReport {
  connected: number
  wanted: number
  /** Connections that ended though their person stayed. */
  lost: number
}

/** People on the page, each on a socket of the library that the page uses. */
export interface Crowd {
  readonly report: CrowdReport
  /** Lets people come or go until there are so many, and waits until they are all connected. */
  become(count: number, timeoutMs: number): Promise<void>
  stop(): void
}

const MAIN = fileURLToPath(new URL('crowd-main.ts', import.meta.url))
const POLL_MS = 100

/** In a process of its own: thousands of sockets would slow down whoever measures. */
export async function startCrowd({ url, perSecond, most }: CrowdOptions): Promise<Crowd> {
  const tokens = await Promise.all(
    Array.from({ length: most }, (_, index) => signToken({ sub: `crowd-${index}` })),
  )
  const child = fork(MAIN, { execArgv: ['--conditions=chatbox-source'] })
  endWithThisProcess(child)
  let report: CrowdReport = { connected: 0, wanted: 0, lost: 0 }
  child.on('message', (next: CrowdReport) => {
    report = next
  })
  return {
    get report() {
      return report
    },
    async become(count, timeoutMs) {
      const order: CrowdOrder = { url, tokens: tokens.slice(0, count), perSecond }
      child.send(order)
      const deadline = performance.now() + timeoutMs
      while (report.wanted !== count || report.connected !== count) {
        if (child.exitCode !== null) throw new Error('the crowd has ended')
        if (performance.now() > deadline) {
          throw new Error(`${report.connected} of ${count} people are connected`)
        }
        await sleep(POLL_MS)
      }
    },
    stop: () => void child.kill('SIGKILL'),
  }
}

interface CrowdOptions {
  url: string
  perSecond: number
  /** The most that will ever be there. */
  most: number
}
