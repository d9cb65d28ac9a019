import { once } from 'node:events'
import { mkdtemp, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { run } from '../kube/run.ts'

export interface Certificate {
  key: string
  /** Signed by itself: whoever trusts it trusts it as an authority. */
  cert: string
}

/** For a server at this IP address, for a day. */
export async function makeCertificate(address: string): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), 'chatbox-certificate-'))
  const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') }
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1']
  const name = ['-subj', '/CN=model', '-addext', `subjectAltName=IP:${address}`]
  const out = ['-keyout', files.key, '-out', files.cert]
  await run('openssl', ['req', '-x509', ...kind, ...name, ...out])
  return { key: await readFile(files.key, 'utf8'), cert: await readFile(files.cert, 'utf8') }
}

/** Answers with TLS on a public address for a server that listens without it on this machine. */
export async function startTlsFront(
  certificate: Certificate,
  at: { address: string; port: number; to: number },
): Promise<{ stop(): void }> {
  const sockets = new Set<{ destroy(): unknown }>()
  const server = createServer(certificate, (client) => {
    const upstream = connect(at.to, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.once('close', () => sockets.delete(socket))
    }
    client.pipe(upstream)
    upstream.pipe(client)
    client.once('close', () => upstream.destroy())
    upstream.once('close', () => client.destroy())
  })
  // A client that gives up in the middle of its handshake.
  server.on('tlsClientError', () => undefined)
  server.listen(at.port, at.address)
  await once(server, 'listening')
  return {
    stop() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
