import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

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
    await (await listen(server, { port })).close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    return false
  }
}

export interface Listening {
  readonly port: number
  /** Ends its connections too. Idempotent. */
  close(): Promise<void>
}

/** Lets a server of any kind listen, on a free port of 127.0.0.1 unless told otherwise. */
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

/** Passes everything both ways; either end takes the other with it. */
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
