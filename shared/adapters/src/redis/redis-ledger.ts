import { AppError, CHARGE_KNOWN_MS, type Charge, type Ledger, type Spending } from '@chatbox/core'
import { createScript, runScript } from './client/connection.ts'
import type { RedisContext } from './client/context.ts'

const COMMAND_TIMEOUT_MS = 500
/** A day, and time for the charges and for clocks that differ. */
const KEPT_MS = 2 * 86_400_000

/** Returns a flat list of sums. They are texts, because Redis cuts the numbers of a script to 53 bits. */
const SUMS = `
local sums = {}
for i = first, #KEYS do
  sums[#sums + 1] = redis.call('HGET', KEYS[i], 'tokens') or '0'
  sums[#sums + 1] = redis.call('HGET', KEYS[i], 'cost') or '0'
end
return sums
`

const READ = createScript(`local first = 1\n${SUMS}`)

/** KEYS: the mark of the charge, then the accounts. ARGV: life of the mark, of a count, tokens, cost. */
const ADD = createScript(`
if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then return false end
local function add(key, field, more)
  local sum = tonumber(redis.call('HGET', key, field) or '0') + tonumber(more)
  redis.call('HSET', key, field, string.format('%.0f', math.min(sum, ${Number.MAX_SAFE_INTEGER})))
end
for i = 2, #KEYS do
  add(KEYS[i], 'tokens', ARGV[3])
  add(KEYS[i], 'cost', ARGV[4])
  redis.call('PEXPIRE', KEYS[i], ARGV[2])
end
local first = 2
${SUMS}`)

/** Counts in Redis, in hashes that expire by themselves. A flush begins the day again. */
export class RedisLedger implements Ledger {
  readonly #redis: RedisContext

  constructor(redis: RedisContext) {
    this.#redis = redis
  }

  async read(day: string, accounts: readonly string[]): Promise<Spending[]> {
    const { commands, keys } = this.#redis
    const counts = accounts.map((account) => keys.budget(day, account))
    return toSums(await this.#ask(() => runScript(commands, READ, { keys: counts, args: [] })))
  }

  async add({ id, day, accounts, spending }: Charge): Promise<Spending[] | undefined> {
    const { commands, keys } = this.#redis
    const counts = accounts.map((account) => keys.budget(day, account))
    const args = [CHARGE_KNOWN_MS, KEPT_MS, spending.tokens, spending.cost]
    const sums = await this.#ask(() =>
      runScript(commands, ADD, { keys: [keys.charge(id), ...counts], args }),
    )
    return sums === null ? undefined : toSums(sums)
  }

  async #ask<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await this.#redis.guard(COMMAND_TIMEOUT_MS, command)
    } catch (cause) {
      throw new AppError('UNAVAILABLE', 'Usage cannot be counted now.', { cause })
    }
  }
}

function toSums(flat: unknown): Spending[] {
  const numbers = Array.isArray(flat) ? flat.map(Number) : []
  return Array.from({ length: numbers.length / 2 }, (_, i) => ({
    tokens: numbers[2 * i] ?? 0,
    cost: numbers[2 * i + 1] ?? 0,
  }))
}
