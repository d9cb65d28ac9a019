import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

/**
 * Below the ports that Linux uses for outgoing connections (32768 and up). An outgoing connection
 * could take one of those before the process listens, or while it is down.
 */
const LOWEST = 15_000
const HIGHEST = 32_767
const MAX_TRIES = 100

/** The ports that were returned before. Their processes may not listen yet. */
const handedOut = new Set<number>()

/**
 * Returns a free TCP port of 127.0.0.1 that this process has not returned before. Rejects if
 * listening fails for another reason than a used port.
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
    await (await listen(server, { port })).close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    return false
  }
}

export interface Listening {
  readonly port: number
  /** Also ends its connections. Idempotent. */
  close(): Promise<void>
}

/** Makes a server listen on a free port of 127.0.0.1 by default. */
export async function listen(
  server: Server,
  { port = 0, host = '127.0.0.1' }: { port?: number; host?: string } = {},
): Promise<Listening> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given')
  let closed: Promise<unknown> | undefined
  return {
    port: address.port,
    async close() {
      closed ??= once(server.close(), 'close')
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Connects two sockets in both directions. If one ends, so does the other. */
export function join(client: Socket, upstream: Socket): void {
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    from.on('error', () => from.destroy())
    from.once('close', () => to.destroy())
    from.pipe(to)
  }
}
