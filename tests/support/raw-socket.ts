import { once } from 'node:events'
import { WebSocket } from 'ws'

const WAIT_MS = 10_000

export interface RawSocketOptions {
  url: string
  pathPrefix?: string
  headers?: Record<string, string>
  /** Instead of what an honest client asks for. */
  query?: string
}

/** A websocket that speaks as much of the protocol as a test tells it to. */
export interface RawSocket {
  readonly socket: WebSocket
  /** Text frames in order of arrival. */
  readonly frames: readonly string[]
  /** Sends the namespace handshake and waits for `ready`. */
  login(token: string): Promise<void>
  waitForFrame(accept: (frame: string) => boolean): Promise<string>
  /** The close code, once it is closed. */
  closed: Promise<number>
  end(): void
}

/** Rejects with `status NNN REASON` where the upgrade is refused. */
export async function openRawSocket(options: RawSocketOptions): Promise<RawSocket> {
  const path = `${options.pathPrefix ?? '/chatbox'}/socket.io/`
  const query = options.query ?? 'EIO=4&transport=websocket'
  const socket = new WebSocket(`${options.url.replace('http', 'ws')}${path}?${query}`, {
    headers: options.headers ?? {},
  })
  const frames: string[] = []
  const checks = new Set<() => void>()
  socket.on('message', (data: Buffer, isBinary) => {
    frames.push(isBinary ? '(binary)' : data.toString())
    checks.forEach((check) => check())
  })
  const closed = new Promise<number>((resolve) => {
    socket.once('close', (code) => resolve(code))
  })
  await opened(socket)
  socket.on('error', () => undefined)

  function waitForFrame(accept: (frame: string) => boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no such frame in ${frames.length}`)),
        WAIT_MS,
      )
      const check = () => {
        const found = frames.find(accept)
        if (found === undefined) return
        clearTimeout(timer)
        checks.delete(check)
        resolve(found)
      }
      checks.add(check)
      check()
    })
  }

  return {
    socket,
    frames,
    closed,
    waitForFrame,
    async login(token) {
      await waitForFrame((frame) => frame.startsWith('0'))
      socket.send(`40${JSON.stringify({ token })}`)
      await waitForFrame((frame) => frame.startsWith('42["ready"'))
    },
    end: () => socket.terminate(),
  }
}

async function opened(socket: WebSocket): Promise<void> {
  const refused = new Promise<never>((_resolve, reject) => {
    socket.once('unexpected-response', (request, response) => {
      response.setEncoding('utf8')
      response.once('data', (reason: string) => {
        request.destroy()
        reject(new Error(`status ${response.statusCode ?? 0} ${reason}`))
      })
    })
  })
  await Promise.race([once(socket, 'open'), refused])
}
