import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

/**
 * Below the ports that Linux uses for outgoing connections (32768 and up). An outgoing connection
 * could take one of those before the process listens, or while it is down.
 */
const LOWEST = 15_000
const HIGHEST = 32_767
/**
 * Ports are given out of blocks. A process owns a block while it listens on the block's first port,
 * so two processes never hand out the same port, and a process that dies leaves nothing behind.
 * A port that was merely free when it was looked at was taken by another process in the second
 * until its own listened.
 */
const BLOCK_SIZE = 16
const BLOCKS = Math.floor((HIGHEST + 1 - LOWEST) / BLOCK_SIZE)
const MAX_TRIES = 200

/** What is left of this process's block. */
let block: number[] = []

/**
 * Returns a free TCP port of 127.0.0.1 that neither this process nor another one that uses this
 * function was given. `pickBlock` returns the first port of a block. Rejects if listening fails for
 * another reason than a used port.
 */
export async function findFreePort(pickBlock = pickAnyBlock): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = block.shift()
    if (port === undefined) block = await takeBlock(pickBlock())
    else if (await isFree(port)) return port
  }
  throw new Error('no TCP port is free')
}

function pickAnyBlock(): number {
  return LOWEST + randomInt(BLOCKS) * BLOCK_SIZE
}

/** Returns the ports of a block that belongs to this process now; none if another one has it. */
async function takeBlock(first: number): Promise<number[]> {
  const owner = createServer().unref()
  if (!(await canListen(owner, first))) return []
  return Array.from({ length: BLOCK_SIZE - 1 }, (_, index) => first + 1 + index)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  if (!(await canListen(server, port))) return false
  await once(server.close(), 'close')
  return true
}

async function canListen(server: Server, port: number): Promise<boolean> {
  try {
    await listen(server, { port })
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
