import { setTimeout as sleep } from 'node:timers/promises'
import { openUser, type User } from './user.ts'

const AT_ONCE = 50
/** The delays of the product's own client. */
const RETRY = { baseMs: 500, maxMs: 10_000 }

/** The seeded users of a run. Each has an open session and reconnects when their gateway stops. */
export class ReturningUsers {
  /** When each user was back, in order. */
  readonly backAt: number[] = []
  tries = 0
  readonly #users: User[] = []
  readonly #returned: User[] = []
  #isClosed = false

  /** Connects `count` of them to one gateway. */
  async open(count: number, server: { port: number }): Promise<void> {
    while (this.#users.length < count) {
      const first = this.#users.length
      const batch = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, index) =>
        openUser(server, `seeded-${first + index}`),
      )
      this.#users.push(...(await Promise.all(batch)))
    }
  }

  /** Tries the gateways in turn, with the delays of the product's client, until one accepts. */
  async comeBack(index: number, servers: readonly { port: number }[]): Promise<void> {
    const { id: sessionId = '', lastSeq: afterSeq = 0 } = this.#users[index]?.session ?? {}
    for (let failures = 1; !this.#isClosed; failures += 1) {
      const ceilingMs = Math.min(RETRY.maxMs, RETRY.baseMs * 2 ** (failures - 1))
      await sleep(ceilingMs * (1 - Math.random() * 0.5))
      this.tries += 1
      // Asks as a page does for what follows the entries it has.
      const range = { sessionId, afterSeq }
      const server = servers[(index + failures) % servers.length] ?? { port: 0 }
      const user = await openUser(server, `seeded-${index}`, { range }).catch(() => undefined)
      if (!user) continue
      this.#returned.push(user)
      this.backAt.push(performance.now())
      return
    }
  }

  close(): void {
    this.#isClosed = true
    for (const { line } of [...this.#users, ...this.#returned]) line.close()
  }
}
