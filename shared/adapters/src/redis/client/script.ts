import { createHash } from 'node:crypto'
import type { RedisClient } from './connection.ts'

/** A Lua script, run by its digest; a Redis that was restarted is given the text again. */
export interface Script {
  lua: string
  sha1: string
}

export function createScript(lua: string): Script {
  return { lua, sha1: createHash('sha1').update(lua).digest('hex') }
}

export async function runScript(
  client: RedisClient,
  script: Script,
  input: { keys: string[]; args: (string | number)[] },
): Promise<unknown> {
  const { keys, args } = input
  try {
    return await client.evalsha(script.sha1, keys.length, ...keys, ...args)
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return client.eval(script.lua, keys.length, ...keys, ...args)
  }
}
