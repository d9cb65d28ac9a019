import { WebSocketServer, type ServerOptions } from 'ws'

/**
 * Bounds that Engine.IO does not hand through. ws by default takes 16,384 fragments a message, and
 * an object for each, from a sender of empty ones; and it waits 30 s for the peer's close frame,
 * which one that does not read never sends.
 */
const BOUNDS = { maxFragments: 64, maxBufferedChunks: 4096, closeTimeout: 3000 }

export class BoundedWebSocketServer extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, ...BOUNDS })
  }

  override handleUpgrade(...upgrade: Parameters<WebSocketServer['handleUpgrade']>): void {
    const [, socket] = upgrade
    // The socket is ours now, and who still listens to it waits for the end of an HTTP exchange that
    // is over: Engine.IO does, for middlewares that log responses, and so keeps the request with its
    // headers as long as the socket. All at once, as this drops the grown table of listeners too.
    socket.removeAllListeners()
    super.handleUpgrade(...upgrade)
  }
}
