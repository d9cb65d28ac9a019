import type { Charge, Ledger, Spending } from '@chatbox/core'
import type { SqliteDatabase } from './sqlite-database.ts'

const ADD = `
  INSERT INTO budgets (day, account, tokens, cost)
  VALUES (?1, ?2, MIN(?3, ${Number.MAX_SAFE_INTEGER}), MIN(?4, ${Number.MAX_SAFE_INTEGER}))
  ON CONFLICT DO UPDATE SET
    tokens = MIN(tokens + ?3, ${Number.MAX_SAFE_INTEGER}),
    cost = MIN(cost + ?4, ${Number.MAX_SAFE_INTEGER})`

/** Counts in the data file, so that a restart forgets nothing. Earlier days are deleted. */
export class SqliteLedger implements Ledger {
  readonly #db: SqliteDatabase
  /** The day whose beginning has been tidied up. */
  #day = ''

  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  async read(day: string, accounts: readonly string[]): Promise<Spending[]> {
    return this.#read(day, accounts)
  }

  async add({ id, day, accounts, spending }: Charge): Promise<Spending[] | undefined> {
    return this.#db.transaction(() => {
      this.#tidy(day)
      const known = this.#db.run(
        'INSERT INTO charges (day, id) VALUES (?, ?) ON CONFLICT DO NOTHING',
        day,
        id,
      )
      if (known === 0) return undefined
      const { tokens, cost } = spending
      for (const account of accounts) this.#db.run(ADD, day, account, tokens, cost)
      return this.#read(day, accounts)
    })
  }

  #read(day: string, accounts: readonly string[]): Spending[] {
    return accounts.map((account) => {
      const sql = 'SELECT tokens, cost FROM budgets WHERE day = ? AND account = ?'
      const row = this.#db.get(sql, day, account)
      return { tokens: Number(row?.tokens ?? 0), cost: Number(row?.cost ?? 0) }
    })
  }

  /** Days sort as text. A charge of yesterday may still come after midnight. */
  #tidy(day: string): void {
    if (day <= this.#day) return
    const yesterday = new Date(Date.parse(day) - 86_400_000).toISOString().slice(0, 10)
    this.#db.run('DELETE FROM budgets WHERE day < ?', yesterday)
    this.#db.run('DELETE FROM charges WHERE day < ?', yesterday)
    this.#day = day
  }
}
