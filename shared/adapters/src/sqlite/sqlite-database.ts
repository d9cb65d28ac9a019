import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  DatabaseSync,
  type SQLInputValue,
  type SQLOutputValue,
  type StatementSync,
} from 'node:sqlite'
import { AppError } from '@chatbox/core'
import { prepareSchema } from './sqlite-schema.ts'

export type Row = Record<string, SQLOutputValue>

// Less than the 3 s within which every call of the store must answer.
const BUSY_TIMEOUT_MS = 2000
/** Primary result codes for a fault of the file and not of the statement. */
const UNAVAILABLE_CODES = new Set([
  5, // SQLITE_BUSY: another process writes
  6, // SQLITE_LOCKED
  8, // SQLITE_READONLY
  10, // SQLITE_IOERR
  11, // SQLITE_CORRUPT
  13, // SQLITE_FULL
  14, // SQLITE_CANTOPEN
  26, // SQLITE_NOTADB
])

/** An open file. Calls block: a write returns when it is on disk. */
export class SqliteDatabase {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#call(() => this.#prepare(sql).get(...values))
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#call(() => this.#prepare(sql).all(...values))
  }

  /** Reads row by row until `visit` returns false. */
  each(sql: string, values: SQLInputValue[], visit: (row: Row) => boolean): void {
    this.#call(() => {
      for (const row of this.#prepare(sql).iterate(...values)) if (!visit(row)) return
    })
  }

  /** Returns the number of changed rows. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#call(() => Number(this.#prepare(sql).run(...values).changes))
  }

  /**
   * Returns the rows that a statement with RETURNING changed. Steps to its end, where a commit can
   * fail.
   */
  change(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.all(sql, ...values)
  }

  /** Runs `work`, which must be synchronous, in one transaction. */
  transaction<T>(work: () => T): T {
    this.#call(() => this.#db.exec('BEGIN IMMEDIATE'))
    try {
      const result = work()
      this.#call(() => this.#db.exec('COMMIT'))
      return result
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  close(): void {
    if (!this.#db.isOpen) return
    this.#statements.clear()
    this.#db.close()
  }

  /** All statements are this package's own, so there are few. */
  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #call<T>(work: () => T): T {
    if (!this.#db.isOpen) throw unavailable('The store is closed.', undefined)
    try {
      return work()
    } catch (error) {
      throw isFileFault(error) ? unavailable('Messages cannot be stored now.', error) : error
    }
  }
}

/** Opens or creates a file that only this user can read. Throws a one-line reason. */
export function openSqliteDatabase(path: string): SqliteDatabase {
  let db: DatabaseSync | undefined
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // SQLite gives its journal files the mode of the database file.
    closeSync(openSync(path, 'a', 0o600))
    db = new DatabaseSync(path, { enableForeignKeyConstraints: true, timeout: BUSY_TIMEOUT_MS })
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    prepareSchema(db)
    return new SqliteDatabase(db)
  } catch (error) {
    db?.close()
    const reason = error instanceof Error ? error.message : String(error)
    throw unavailable(`The data file ${path} cannot be used: ${reason}`, error, false)
  }
}

function isFileFault(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return false
  return UNAVAILABLE_CODES.has(Number(error.errcode) & 0xff)
}

function unavailable(message: string, cause: unknown, retryable = true): AppError {
  return new AppError('UNAVAILABLE', message, { cause, retryable })
}

/**
 * Returns the value of a JSON column, or undefined if it is not JSON. Every schema refuses
 * undefined.
 */
export function parseJson(text: unknown): unknown {
  if (typeof text !== 'string') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
