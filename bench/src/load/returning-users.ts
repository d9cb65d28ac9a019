import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '@chatbox/contract'
import type { ServiceProcess } from '../../../scripts/servers/processes.ts'
import { createToken } from '../token.ts'
import { Line } from './line.ts'
import { socketUrl } from './socket-url.ts'

const AT_ONCE = 50
/** As the product's own client waits before it tries again. */
const RETRY = { baseMs: 500, maxMs: 10_000 }

/** What a page knows of its session: where it comes back to. */
type Known = Pick<Session, 'id' | 'lastSeq'>

interface Joining {
  session?: Known | undefined
  onClose?: () => void
}

/** The seeded users of a run, each with their session open, who come back when their gateway goes. */
export class ReturningUsers {
  /** When each one was back, in the order of coming back. */
  readonly backAt: number[] = []
  tries = 0
  readonly #secret: string
  readonly #lines: Line[] = []
  readonly #known: Known[] = []
  #isClosed = false

  constructor(secret: string) {
    this.#secret = secret
  }

  /** Opens `count` of them on one gateway; `onClose` is told of each one that this closes. */
  async open(
    count: number,
    server: ServiceProcess,
    onClose: (index: number) => void = () => undefined,
  ): Promise<void> {
    for (let first = 0; first < count; first += AT_ONCE) {
      const batch = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, index) =>
        this.#join(server, first + index, { onClose: () => onClose(first + index) }),
      )
      this.#known.push(...(await Promise.all(batch)))
    }
  }

  /** Tries the gateways in turn, with the delays of the product's client, until one lets them in. */
  async comeBack(index: number, servers: readonly ServiceProcess[]): Promise<void> {
    for (let failures = 1; !this.#isClosed; failures += 1) {
      const ceilingMs = Math.min(RETRY.maxMs, RETRY.baseMs * 2 ** (failures - 1))
      await sleep(ceilingMs * (1 - Math.random() * 0.5))
      this.tries += 1
      const server = servers[(index + failures) % servers.length]
      const session = this.#known[index]
      if (!server || !(await this.#join(server, index, { session }).catch(() => undefined)))
        continue
      this.backAt.push(performance.now())
      return
    }
  }

  close(): void {
    this.#isClosed = true
    for (const line of this.#lines) line.close()
  }

  async #join(
    server: ServiceProcess,
    index: number,
    { session, onClose }: Joining,
  ): Promise<Known> {
    const line = await Line.open({
      url: socketUrl(server, 'engine.io'),
      dialect: 'engine.io',
      token: createToken(`seeded-${index}`, this.#secret),
      ...(onClose ? { onClose } : {}),
    })
    try {
      // As a page does: at first whatever is there, later what came after what it has.
      const range = session ? { sessionId: session.id, afterSeq: session.lastSeq } : {}
      const opened = await line.prepare<{ session: Known }>('session:open', range)
      this.#lines.push(line)
      return opened.session
    } catch (error) {
      line.close()
      throw error
    }
  }
}
