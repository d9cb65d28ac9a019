import { TLSSocket } from 'node:tls'
import type { Route } from '@chatbox/core'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { Envelope } from './mail-message.ts'

export interface SmtpServer {
  host: string
  port: number
  /** `starttls` and `implicit` refuse a server without TLS. */
  tls: 'starttls' | 'implicit' | 'off'
  user: string | undefined
  pass: string | undefined
}

export interface SmtpTimeouts {
  connectMs: number
  /** The longest silence, also after the message. */
  silenceMs: number
  totalMs: number
}

export const SMTP_TIMEOUTS: SmtpTimeouts = { connectMs: 10_000, silenceMs: 30_000, totalMs: 60_000 }

interface Mail {
  envelope: Envelope
  bytes: Buffer
}

/**
 * Sends one mail over a connection of its own, and fills in `route`. Alerts are rare, and a kept
 * connection would have to be kept alive. Returns the server's last words. Throws nodemailer's error,
 * and the reason of `signal`.
 */
export async function sendMail(
  server: SmtpServer,
  mail: Mail,
  { route, timeouts, signal }: { route: Route; timeouts: SmtpTimeouts; signal: AbortSignal },
): Promise<string> {
  signal.throwIfAborted()
  const connection = open(server, timeouts)
  const ended = Promise.withResolvers<never>()
  // The race may be over when one of these comes.
  ended.promise.catch(() => undefined)
  connection.on('error', (error: Error) => ended.reject(error))
  connection.once('end', () => ended.reject(new Error('the server closed the connection')))
  const onAbort = (): void => ended.reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([converse(connection, { server, mail, route }), ended.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
    noteRoute(connection, route)
    connection.close()
  }
}

function open({ host, port, tls }: SmtpServer, timeouts: SmtpTimeouts): SMTPConnection {
  return new SMTPConnection({
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'off',
    connectionTimeout: timeouts.connectMs,
    greetingTimeout: timeouts.connectMs,
    dnsTimeout: timeouts.connectMs,
    socketTimeout: timeouts.silenceMs,
    allowInternalNetworkInterfaces: true,
  })
}

interface Conversation {
  server: SmtpServer
  mail: Mail
  route: Route
}

async function converse(
  connection: SMTPConnection,
  { server: { user, pass }, mail, route }: Conversation,
): Promise<string> {
  await done((callback) => connection.connect(callback))
  noteRoute(connection, route)
  // Asked for even if the server does not offer it: a mail without it would be sent as nobody.
  if (user !== undefined) {
    await done((callback) => connection.login({ credentials: { user, pass } }, callback))
  }
  const { envelope, bytes } = mail
  const info = await done<{ response: string }>((callback) =>
    connection.send(envelope, bytes, callback),
  )
  return info?.response ?? ''
}

type Callback<T> = (error?: Error | null, result?: T) => void

function done<T = unknown>(start: (callback: Callback<T>) => void): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    start((error, result) => (error ? reject(error) : resolve(result)))
  })
}

/** A closed socket has no address any more. */
function noteRoute({ _socket: socket }: SMTPConnection, route: Route): void {
  if (!socket || socket.remoteAddress === undefined) return
  route.address = `${socket.remoteAddress} port ${socket.remotePort}`
  if (socket instanceof TLSSocket) route.tls = socket.getProtocol() ?? 'unknown'
}
