import { randomUUID } from 'node:crypto'
import type { Db } from 'mongodb'
import { z } from 'zod'
import { UnusableStoreError } from '@chatbox/core'
import {
  BOUNDED,
  refuseUndefined,
  withinDeadline,
  type GuardedCollection,
} from '../client/client.ts'
import { isDuplicateKey } from '../client/errors.ts'
import { ServerClock } from '../client/server-clock.ts'
import type { KeptFailure } from './steps.ts'

/**
 * The only document of the collection `meta`: the state of the database, and who is changing it.
 */
interface SchemaDocument {
  _id: 'schema'
  version: number
  /** A program that does not know at least this version cannot work with the database. */
  oldest: number
  /** The release that introduced the version `oldest`, for people. */
  oldestRelease: string
  /** Each step once, in order. */
  done: { step: number; name: string; at: Date; ms: number }[]
  lease?: { holder: string; until: Date }
  /** The failure of the last try of the next step. Each try has its own id. */
  failure?: KeptFailure & { id: string; at: Date }
}

const ID = 'schema'
const CALL_TIMEOUT_MS = 2500

const schema = z.object({
  version: z.int().min(0),
  oldest: z.int().min(0),
  oldestRelease: z.string(),
  failure: z.object({ id: z.string(), reason: z.string(), isFinal: z.boolean() }).optional(),
})

export type SchemaState = z.infer<typeof schema>

/** The state of an empty database. */
const UNVERSIONED = { version: 0, oldest: 0, oldestRelease: '' } satisfies SchemaState

export interface DoneStep {
  step: number
  name: string
  ms: number
}

/**
 * The schema's document for one process. Each change is a compare-and-set that uses the server's
 * clock. Every call answers within 2.5 s or rejects with `UNAVAILABLE`.
 */
export class SchemaRecord {
  readonly #meta: GuardedCollection<SchemaDocument>
  readonly #clock: ServerClock
  readonly #holder = randomUUID()

  constructor(db: Db) {
    this.#meta = refuseUndefined(db.collection('meta'))
    this.#clock = new ServerClock(db)
  }

  async read(): Promise<SchemaState> {
    const found = await this.#call(() => this.#meta.findOne({ _id: ID }, BOUNDED))
    if (found === null) return UNVERSIONED
    const parsed = schema.safeParse(found)
    if (parsed.success) return parsed.data
    throw new UnusableStoreError(
      'the database does not say its version: chatbox did not write the document "schema" of its collection "meta"',
    )
  }

  /**
   * Takes the lease for the step after `version` for `leaseMs`. Returns false if another process
   * has it.
   */
  async claim(version: number, leaseMs: number): Promise<boolean> {
    return this.#call(async () => {
      if (version === 0) await this.#insert()
      const now = await this.#clock.now()
      const isFree = [{ lease: { $exists: false } }, { 'lease.until': { $lte: now } }]
      const until = new Date(now.getTime() + leaseMs)
      const { matchedCount } = await this.#meta.updateOne(
        { _id: ID, version, $or: isFree },
        { $set: { lease: { holder: this.#holder, until } } },
        BOUNDED,
      )
      return matchedCount === 1
    })
  }

  /** Renews the lease to `leaseMs` from now. Returns false if it is lost. */
  async renew(leaseMs: number): Promise<boolean> {
    return this.#call(async () => {
      const until = new Date((await this.#clock.now()).getTime() + leaseMs)
      const ours = { _id: ID, 'lease.holder': this.#holder } as const
      const change = { $set: { 'lease.until': until } }
      return (await this.#meta.updateOne(ours, change, BOUNDED)).matchedCount === 1
    })
  }

  /**
   * Records that the step is finished and releases the lease. Returns false if the lease was lost.
   */
  async finish(
    { step, name, ms }: DoneStep,
    oldest: Partial<Pick<SchemaState, 'oldest' | 'oldestRelease'>>,
  ): Promise<boolean> {
    return this.#call(async () => {
      const at = await this.#clock.now()
      const { matchedCount } = await this.#meta.updateOne(
        { _id: ID, version: step - 1, 'lease.holder': this.#holder },
        {
          $set: { version: step, ...oldest },
          $push: { done: { step, name, at, ms } },
          $unset: { lease: '', failure: '' },
        },
        BOUNDED,
      )
      return matchedCount === 1
    })
  }

  /** Releases the lease without a new version. Records why the try failed, if it did. */
  async release(failure?: KeptFailure): Promise<void> {
    const ours = { _id: ID, 'lease.holder': this.#holder } as const
    await this.#call(async () => {
      if (failure === undefined) {
        await this.#meta.updateOne(ours, { $unset: { lease: '', failure: '' } }, BOUNDED)
        return
      }
      const kept = { ...failure, id: randomUUID(), at: await this.#clock.now() }
      const change = { $set: { failure: kept }, $unset: { lease: '' } } as const
      await this.#meta.updateOne(ours, change, BOUNDED)
    })
  }

  async #insert(): Promise<void> {
    const insert = this.#meta.insertOne({ _id: ID, ...UNVERSIONED, done: [] }, BOUNDED)
    await insert.catch((error: unknown) => {
      if (!isDuplicateKey(error)) throw error
    })
  }

  #call<T>(work: () => Promise<T>): Promise<T> {
    return withinDeadline(CALL_TIMEOUT_MS, work)
  }
}
