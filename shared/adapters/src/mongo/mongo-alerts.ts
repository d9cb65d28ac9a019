import {
  toEntryAlertId,
  type Alert,
  type AlertChange,
  type AlertClaim,
  type AlertQuery,
  type Alerts,
  type GroupQuery,
  type Grouping,
  type KnownChannel,
  type NewAlert,
} from '@chatbox/core'
import type { Filter } from 'mongodb'
import {
  judgeGroup,
  MAX_COUNTED,
  openChannels,
  sealChannels,
  sealDeliveries,
  toAlert,
} from '../sealed/alert-record.ts'
import type { RecordDeps } from '../sealed/key-ring.ts'
import type { AlertDocument } from './alert-documents.ts'
import { BOUNDED } from './client/client.ts'
import type { MongoConnection } from './client/connection.ts'
import { isDuplicateId, isDuplicateKey } from './client/errors.ts'
import { toKey, type MessageDocument } from './documents.ts'

const CHANGED = { ...BOUNDED, returnDocument: 'after' } as const
/** How many entries a sweep looks after whose alerts were not opened with them. */
const LEFT_BATCH = 100
/** How old such an entry is: its own process opens them at once. */
const LEFT_MS = 1000
const MAX_PLACES = 1000

/**
 * The record of alerts. An entry names the rules of its alerts in its own document, and they are
 * opened from there: at once by its process, or by the next sweep if that has died.
 */
export class MongoAlerts implements Alerts {
  readonly #mongo: MongoConnection
  readonly #deps: RecordDeps

  constructor(mongo: MongoConnection, deps: RecordDeps) {
    this.#mongo = mongo
    this.#deps = deps
  }

  async open({ id, rule, sessionId, about }: NewAlert): Promise<boolean> {
    const now = await this.#mongo.clock.now()
    const document: AlertDocument = {
      _id: toKey(id),
      rule,
      state: 'queued',
      openedAt: now,
      dueAt: now,
      epoch: 0,
      size: 0,
      ...(sessionId === undefined ? {} : { sessionId }),
      ...(about === undefined ? {} : { about }),
    }
    try {
      await this.#mongo.alerts.insertOne(document, BOUNDED)
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }

  /** Opens the alerts of an entry. A process that dies in between is followed by a sweep. */
  async openOf({ _id, sessionId, alerts }: EntryWithAlerts): Promise<void> {
    for (const rule of alerts?.rules ?? []) {
      await this.open({ id: toEntryAlertId(rule, _id), rule, sessionId })
    }
    await this.#mongo.messages.updateOne({ _id, sessionId }, { $unset: { alerts: '' } }, BOUNDED)
  }

  async claim(alertId: string, leaseMs: number): Promise<Alert | undefined> {
    const now = await this.#mongo.clock.now()
    const claimed = await this.#mongo.alerts.findOneAndUpdate(
      { _id: toKey(alertId), dueAt: { $lte: now } },
      { $set: { state: 'claimed', dueAt: after(now, leaseMs) }, $inc: { epoch: 1 } },
      CHANGED,
    )
    return claimed ? this.#toAlert(claimed) : undefined
  }

  async claimDue(limit: number, leaseMs: number): Promise<Alert[]> {
    await this.#openLeft()
    const due = await this.#mongo.alerts
      .find(
        { dueAt: { $lte: await this.#mongo.clock.now() } },
        { ...BOUNDED, projection: { _id: 1 } },
      )
      .sort({ dueAt: 1 })
      .limit(limit)
      .toArray()
    const claimed = await Promise.all(due.map(({ _id }) => this.claim(_id, leaseMs)))
    return claimed.filter((alert) => alert !== undefined)
  }

  async save({ id, epoch }: AlertClaim, change: AlertChange): Promise<boolean> {
    const { state, reason, toldBy, size, deliveries } = change
    const dueAt = toDueAt(change, await this.#mongo.clock.now())
    const unset = {
      ...(dueAt ? {} : { dueAt: '' as const }),
      ...(reason === undefined ? { reason: '' as const } : {}),
    }
    const { matchedCount } = await this.#mongo.alerts.updateOne(
      { _id: toKey(id), epoch, state: 'claimed' },
      {
        $set: {
          state,
          ...(dueAt ? { dueAt } : {}),
          ...(reason === undefined ? {} : { reason }),
          ...(toldBy === undefined ? {} : { toldBy }),
          ...(size === undefined ? {} : { size }),
          ...(deliveries ? { sealed: sealDeliveries(this.#deps, id, deliveries) } : {}),
        },
        ...(Object.keys(unset).length > 0 ? { $unset: unset } : {}),
      },
      BOUNDED,
    )
    return matchedCount > 0
  }

  async find(alertId: string): Promise<Alert | undefined> {
    const found = await this.#mongo.alerts.findOne({ _id: toKey(alertId) }, BOUNDED)
    return found ? this.#toAlert(found) : undefined
  }

  async list({ state, rule, after: afterId, limit }: AlertQuery): Promise<Alert[]> {
    const last = afterId === undefined ? undefined : await this.find(afterId)
    if (afterId !== undefined && !last) return []
    const filter: Filter<AlertDocument> = {
      ...(state === undefined ? {} : { state }),
      ...(rule === undefined ? {} : { rule: toKey(rule) }),
      ...(last
        ? {
            $or: [
              { openedAt: { $lt: last.openedAt } },
              { openedAt: last.openedAt, _id: { $lt: last.id } },
            ],
          }
        : {}),
    }
    const found = await this.#mongo.alerts
      .find(filter, BOUNDED)
      .sort({ openedAt: -1, _id: -1 })
      .limit(limit)
      .toArray()
    return found.map((document) => this.#toAlert(document))
  }

  async countOpen(rule: string, until: Date): Promise<number> {
    const open = await this.#mongo.alerts
      .find(
        { rule: toKey(rule), openedAt: { $lte: until }, dueAt: { $exists: true } },
        { ...BOUNDED, projection: { _id: 1 } },
      )
      .limit(MAX_COUNTED)
      .toArray()
    return open.length
  }

  async group(query: GroupQuery): Promise<Grouping> {
    const checkTime = this.#mongo.startTimer()
    const { id, rule, windowMs } = query
    const _id = toKey(rule)
    for (;;) {
      const found = await this.#mongo.alertGroups.findOne({ _id }, BOUNDED)
      const now = await this.#mongo.clock.now()
      const group = found
        ? { leader: found.leader, cutAt: +found.cutAt, nextAt: +found.nextAt }
        : undefined
      const judged = judgeGroup(group, query, now.getTime())
      if (judged !== 'take') return judged
      const next = { leader: toKey(id), cutAt: now, nextAt: after(now, windowMs) }
      if (await this.#lead({ _id, ...next }, group?.leader)) return { type: 'lead' }
      checkTime()
    }
  }

  async takePlace(bucket: string, alertId: string, count: number): Promise<number | undefined> {
    const checkTime = this.#mongo.startTimer()
    const takenAt = await this.#mongo.clock.now()
    for (;;) {
      const places = await this.#mongo.alertPlaces
        .find({ bucket: toKey(bucket) }, { ...BOUNDED, limit: MAX_PLACES })
        .toArray()
      const own = places.find((place) => place.alertId === alertId)
      if (own) return own.place
      const place = places.length
      if (!(place < count)) return undefined
      try {
        const _id = `${bucket}/${place}`
        const document = { _id, bucket, place, alertId: toKey(alertId), takenAt }
        await this.#mongo.alertPlaces.insertOne(document, BOUNDED)
        return place
      } catch (error) {
        if (!isDuplicateId(error) && !isDuplicateKey(error)) throw error
      }
      checkTime()
    }
  }

  async noteChannels(channels: readonly KnownChannel[]): Promise<void> {
    const sealed = sealChannels(this.#deps, channels)
    const note = () =>
      this.#mongo.alertChannels.updateOne(
        { _id: 'channels' },
        { $set: { sealed } },
        { ...BOUNDED, upsert: true },
      )
    await note().catch((error: unknown) => {
      if (isDuplicateKey(error)) return note()
      throw error
    })
  }

  async listChannels(): Promise<KnownChannel[]> {
    const found = await this.#mongo.alertChannels.findOne({ _id: 'channels' }, BOUNDED)
    return openChannels(this.#deps, found?.sealed)
  }

  async forget(before: Date): Promise<void> {
    const settled = { openedAt: { $lt: before }, dueAt: { $exists: false } }
    await this.#mongo.alerts.deleteMany(settled, BOUNDED)
    await this.#mongo.alertPlaces.deleteMany({ takenAt: { $lt: before } }, BOUNDED)
  }

  /** Takes the place of the leader that was read. Returns false if somebody else was faster. */
  async #lead(
    group: { _id: string; leader: string; cutAt: Date; nextAt: Date },
    before: string | undefined,
  ): Promise<boolean> {
    const { _id, ...next } = group
    if (before !== undefined) {
      const taken = { _id, leader: before }
      const { matchedCount } = await this.#mongo.alertGroups.updateOne(
        taken,
        { $set: next },
        BOUNDED,
      )
      return matchedCount > 0
    }
    try {
      await this.#mongo.alertGroups.insertOne(group, BOUNDED)
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }

  async #openLeft(): Promise<void> {
    const now = await this.#mongo.clock.now()
    const left = await this.#mongo.messages
      .find(
        { 'alerts.waitsSince': { $lte: after(now, -LEFT_MS) } },
        { ...BOUNDED, projection: { sessionId: 1, alerts: 1 } },
      )
      .limit(LEFT_BATCH)
      .toArray()
    for (const entry of left) await this.openOf(entry)
  }

  #toAlert(document: AlertDocument): Alert {
    const { _id: id, rule, sessionId, about, state, reason, toldBy } = document
    const { epoch, size, sealed } = document
    const stored = { id, rule, sessionId, about, state, reason, toldBy, epoch, size, sealed }
    return toAlert(this.#deps, { ...stored, openedAt: document.openedAt.getTime() })
  }
}

type EntryWithAlerts = Pick<MessageDocument, '_id' | 'sessionId' | 'alerts'>

function after(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms)
}

function toDueAt(change: AlertChange, now: Date): Date | undefined {
  if (change.state === 'claimed') return after(now, change.leaseMs)
  return change.state === 'queued' ? after(now, change.dueInMs) : undefined
}
