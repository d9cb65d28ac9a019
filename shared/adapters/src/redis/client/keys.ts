import type { Pseudonym } from '../../sealed/pseudonym.ts'

/**
 * Every key and channel in Redis. The part in braces selects the cluster slot, so that all keys of a
 * script are in one slot. People are named by keyed digests, so that a dump names nobody, and
 * nobody can try names against it.
 *
 * | Key | Type | Lives |
 * |---|---|---|
 * | `P:{reply:ID}:pad`, `…:chunks` | hash, list | 10 min after the last delta |
 * | `P:{user:DIGEST}:here` | sorted set | 45 s after the last refresh |
 * | `P:rate:RULE:DIGEST` | counter | one window of the rule |
 * | `{P:budget}:DAY:ACCOUNT` | hash | 2 days after the last charge |
 * | `{P:budget}:charge:ID` | text | 10 min |
 * | `{P:queue}:…` | BullMQ's | as BullMQ decides; finished jobs are removed at once, failed ones after 1 h |
 * | `{P:queue}:jobs:lanes` | hash of lanes | until nothing waits; at most 10,000 fields |
 * | `{P:queue}:jobs:held` | hash of workers | 10 s after the last note of a worker that holds jobs |
 */
export class RedisKeys {
  readonly ratePrefix: string
  /** BullMQ needs all keys of a queue in one slot. */
  readonly queuePrefix: string
  readonly stopChannel: string
  readonly socketChannels: string
  readonly #prefix: string
  readonly #pseudonym: Pseudonym

  constructor(pseudonym: Pseudonym, prefix = 'chatbox') {
    this.#pseudonym = pseudonym
    this.#prefix = prefix
    this.ratePrefix = `${prefix}:rate`
    this.queuePrefix = `{${prefix}:queue}`
    this.stopChannel = `${prefix}:stop`
    this.socketChannels = `${prefix}:io`
  }

  /** The draft and its chunks. */
  draft(replyId: string): [string, string] {
    const key = `${this.#prefix}:{reply:${replyId}}`
    return [`${key}:pad`, `${key}:chunks`]
  }

  presence(userId: string): string {
    return `${this.#prefix}:{user:${this.#pseudonym(userId)}}:here`
  }

  /** All accounts are in one slot, because one script adds to several. Ids are digests already. */
  budget(day: string, account: string): string {
    return `{${this.#prefix}:budget}:${day}:${account}`
  }

  /** The mark of a charge that was added. */
  charge(id: string): string {
    return `{${this.#prefix}:budget}:charge:${id}`
  }

  sessionChannel(sessionId: string): string {
    return `${this.#prefix}:session:${sessionId}`
  }

  sessionOfChannel(channel: string): string {
    return channel.slice(this.sessionChannel('').length)
  }

  /** What a rule of the rate limits counts for a user or an address. */
  counted(key: string): string {
    return this.#pseudonym(key)
  }
}
