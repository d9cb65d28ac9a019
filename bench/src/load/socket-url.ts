import type { Dialect } from './line.ts'

/** Where a server takes sockets. */
export function socketUrl({ port }: { port: number }, dialect: Dialect): string {
  const base = `ws://127.0.0.1:${port}`
  return dialect === 'plain' ? base : `${base}/chatbox/socket.io/?EIO=4&transport=websocket`
}
