import { WireClient } from '../environment/wire-client.ts'

const WAIT_MS = 10_000

export interface RawSocketOptions {
  url: string
  pathPrefix?: string
  headers?: Record<string, string>
  /** Instead of what an honest client asks for. */
  query?: string
}

/** A raw client that keeps every frame, for what no honest client does. */
export interface RawSocket {
  readonly socket: WireClient['socket']
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
  const frames: string[] = []
  const checks = new Set<() => void>()
  const closed = Promise.withResolvers<number>()
  const client = await WireClient.connect(`${options.url.replace('http', 'ws')}${path}?${query}`, {
    ...(options.headers && { headers: options.headers }),
    onFrame(frame) {
      frames.push(frame)
      checks.forEach((check) => check())
    },
    onClose: closed.resolve,
  })

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
    socket: client.socket,
    frames,
    closed: closed.promise,
    waitForFrame,
    async login(token) {
      await client.login(token)
      await waitForFrame((frame) => frame.startsWith('42["ready"'))
    },
    end: () => client.close(),
  }
}
