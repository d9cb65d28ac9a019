import { connect } from 'node:net'
import { createServer, type TlsOptions } from 'node:tls'
import { join, listen, type Listening } from './ports.ts'

/** Adds TLS in front of a local server without it. */
export async function startTlsFront(
  identity: Pick<TlsOptions, 'key' | 'cert'>,
  to: number,
  at: { host?: string; port?: number } = {},
): Promise<Listening> {
  const server = createServer(identity, (client) => join(client, connect(to, '127.0.0.1')))
  // A client may give up in the middle of its handshake.
  server.on('tlsClientError', () => undefined)
  return listen(server, at)
}
