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

// Below the 3 s in which every call of the store has to answer.
const BUSY_TIMEOUT_MS = 2000
/** Primary result codes that say that the file, not the statement, is at fault. */
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

/** One open file. Calls block: a write returns when it is on the disk. */
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

  /** The number of rows that it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#call(() => Number(this.#prepare(sql).run(...values).changes))
  }

  /** The rows that a statement with RETURNING changed. Steps to its end, where a commit can fail. */
  change(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.all(sql, ...values)
  }

  /** All of `work`, which is synchronous, or nothing of it. */
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

  /** The statements are this package's own, so their number is small. */
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

/** The value of a JSON column; undefined for what is not JSON, which every schema refuses. */
export function parseJson(text: unknown): unknown {
  if (typeof text !== 'string') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
