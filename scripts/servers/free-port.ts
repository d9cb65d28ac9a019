import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below the ports that Linux gives to outgoing connections (32768 and up): one of those would take it
 * before the process that it is meant for listens, or while that process is down.
 */
const LOWEST = 15_000
const HIGHEST = 32_767
const MAX_TRIES = 100

/** Nobody may listen on them yet: who asked has still to start. */
const handedOut = new Set<number>()

/**
 * A TCP port of 127.0.0.1 on which nothing listens at this moment, and that this process was not given
 * before. Rejects where listening fails for another reason than a port in use.
 */
export async function findFreePort(
  pick: () => number = () => randomInt(LOWEST, HIGHEST + 1),
): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = pick()
    if (handedOut.has(port)) continue
    handedOut.add(port)
    if (await isFree(port)) return port
    handedOut.delete(port)
  }
  throw new Error('no TCP port is free')
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
