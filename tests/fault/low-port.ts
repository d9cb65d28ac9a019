import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below the range that a system takes the ports of outgoing connections from. */
const LOWEST = 20_000
const HIGHEST = 32_000
const taken = new Set<number>()

/**
 * A port for a process that is ended and started again: one that `listen(0)` gives may be somebody's
 * outgoing connection by the time that the process is back.
 */
export async function findLowPort(): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))
    if (!taken.has(port) && (await isFree(port))) {
      taken.add(port)
      return port
    }
  }
  throw new Error('no free port was found')
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
