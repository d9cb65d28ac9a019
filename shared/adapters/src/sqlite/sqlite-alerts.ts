import type {
  Alert,
  AlertChange,
  AlertClaim,
  AlertQuery,
  Alerts,
  GroupQuery,
  Grouping,
  KnownChannel,
  NewAlert,
} from '@chatbox/core'
import {
  judgeGroup,
  MAX_COUNTED,
  openChannels,
  sealChannels,
  sealDeliveries,
  toAlert,
  type StoredGroup,
} from '../sealed/alert-record.ts'
import type { RecordDeps } from '../sealed/key-ring.ts'
import type { Row, SqliteDatabase } from './sqlite-database.ts'

const IS_OPEN = 'due_at IS NOT NULL'
const CLAIM = `UPDATE alerts SET state = 'claimed', epoch = epoch + 1, due_at = ?1 + ?2`

/** The record of alerts. The store's clock is that of the only process. */
export class SqliteAlerts implements Alerts {
  readonly #db: SqliteDatabase
  readonly #deps: RecordDeps

  constructor(db: SqliteDatabase, deps: RecordDeps) {
    this.#db = db
    this.#deps = deps
  }

  async open(alert: NewAlert): Promise<boolean> {
    return this.insert(alert)
  }

  /** Synchronous, so that the transaction of an entry can contain it. */
  insert({ id, rule, sessionId, about }: NewAlert): boolean {
    const now = Date.now()
    const inserted = this.#db.run(
      `INSERT INTO alerts (id, rule, session_id, about, state, opened_at, epoch, size, due_at)
       VALUES (?, ?, ?, ?, 'queued', ?, 0, 0, ?) ON CONFLICT DO NOTHING`,
      id,
      rule,
      sessionId ?? null,
      about ?? null,
      now,
      now,
    )
    return inserted > 0
  }

  async claim(alertId: string, leaseMs: number): Promise<Alert | undefined> {
    const sql = `${CLAIM} WHERE id = ?3 AND due_at <= ?1 RETURNING *`
    const [row] = this.#db.change(sql, Date.now(), leaseMs, alertId)
    return row && this.#toAlert(row)
  }

  async claimDue(limit: number, leaseMs: number): Promise<Alert[]> {
    const due = 'SELECT id FROM alerts WHERE due_at <= ?1 ORDER BY due_at LIMIT ?3'
    const rows = this.#db.change(
      `${CLAIM} WHERE id IN (${due}) RETURNING *`,
      Date.now(),
      leaseMs,
      limit,
    )
    return rows.map((row) => this.#toAlert(row))
  }

  async save({ id, epoch }: AlertClaim, change: AlertChange): Promise<boolean> {
    const { state, reason, toldBy, size, deliveries } = change
    const saved = this.#db.run(
      `UPDATE alerts SET state = ?, due_at = ?, reason = ?, told_by = coalesce(?, told_by),
       size = coalesce(?, size), sealed = coalesce(?, sealed)
       WHERE id = ? AND epoch = ? AND state = 'claimed'`,
      state,
      toDueAt(change, Date.now()),
      reason ?? null,
      toldBy ?? null,
      size ?? null,
      deliveries ? sealDeliveries(this.#deps, id, deliveries) : null,
      id,
      epoch,
    )
    return saved > 0
  }

  async find(alertId: string): Promise<Alert | undefined> {
    const row = this.#db.get('SELECT * FROM alerts WHERE id = ?', alertId)
    return row && this.#toAlert(row)
  }

  async list({ state, rule, after, limit }: AlertQuery): Promise<Alert[]> {
    const rows = this.#db.all(
      `SELECT * FROM alerts WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR rule = ?2)
       AND (?3 IS NULL OR (opened_at, id) < (SELECT opened_at, id FROM alerts WHERE id = ?3))
       ORDER BY opened_at DESC, id DESC LIMIT ?4`,
      state ?? null,
      rule ?? null,
      after ?? null,
      limit,
    )
    return rows.map((row) => this.#toAlert(row))
  }

  async countOpen(rule: string, until: Date): Promise<number> {
    const row = this.#db.get(
      `SELECT count(*) AS n FROM (SELECT 1 FROM alerts
       WHERE rule = ? AND opened_at <= ? AND ${IS_OPEN} LIMIT ${MAX_COUNTED})`,
      rule,
      until.getTime(),
    )
    return Number(row?.n)
  }

  async group(query: GroupQuery): Promise<Grouping> {
    const { id, rule, windowMs } = query
    return this.#db.transaction(() => {
      const row = this.#db.get('SELECT * FROM alert_groups WHERE rule = ?', rule)
      const now = Date.now()
      const judged = judgeGroup(row && toGroup(row), query, now)
      if (judged !== 'take') return judged
      this.#db.run(
        `INSERT INTO alert_groups (rule, leader, cut_at, next_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET leader = ?2, cut_at = ?3, next_at = ?4`,
        rule,
        id,
        now,
        now + windowMs,
      )
      return { type: 'lead' }
    })
  }

  async takePlace(bucket: string, alertId: string, count: number): Promise<number | undefined> {
    return this.#db.transaction(() => {
      const places = this.#db.all(
        'SELECT place, alert_id FROM alert_places WHERE bucket = ? ORDER BY place',
        bucket,
      )
      const own = places.find((place) => place.alert_id === alertId)
      if (own) return Number(own.place)
      if (places.length >= count) return undefined
      const sql = 'INSERT INTO alert_places (bucket, place, alert_id, taken_at) VALUES (?, ?, ?, ?)'
      this.#db.run(sql, bucket, places.length, alertId, Date.now())
      return places.length
    })
  }

  async noteChannels(channels: readonly KnownChannel[]): Promise<void> {
    this.#db.run(
      `INSERT INTO alert_channels (id, sealed) VALUES (1, ?1)
       ON CONFLICT DO UPDATE SET sealed = ?1`,
      sealChannels(this.#deps, channels),
    )
  }

  async listChannels(): Promise<KnownChannel[]> {
    const row = this.#db.get('SELECT sealed FROM alert_channels WHERE id = 1')
    return openChannels(this.#deps, row?.sealed)
  }

  async forget(before: Date): Promise<void> {
    const time = before.getTime()
    this.#db.run(`DELETE FROM alerts WHERE opened_at < ? AND NOT ${IS_OPEN}`, time)
    this.#db.run('DELETE FROM alert_places WHERE taken_at < ?', time)
  }

  #toAlert(row: Row): Alert {
    const { id, rule, session_id: sessionId, about, state, reason, told_by: toldBy } = row
    const { epoch, size, sealed } = row
    const stored = { id, rule, sessionId, about, state, reason, toldBy, epoch, size, sealed }
    return toAlert(this.#deps, { ...stored, openedAt: Number(row.opened_at) })
  }
}

function toDueAt(change: AlertChange, now: number): number | null {
  if (change.state === 'claimed') return now + change.leaseMs
  return change.state === 'queued' ? now + Math.round(change.dueInMs) : null
}

function toGroup(row: Row): StoredGroup {
  return { leader: String(row.leader), cutAt: Number(row.cut_at), nextAt: Number(row.next_at) }
}
