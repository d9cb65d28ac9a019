import type { Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { readFile } from 'node:fs/promises'
import { simpleParser, type ParsedMail } from 'mailparser'
import { SMTPServer } from 'smtp-server'
import type { Certificate } from '../../operations/compose/support/make-certificate.ts'

/** What a mail server answers where it does not accept. */
export interface MailBehaviour {
  connect?: Refusal
  rcpt?: Refusal
  data?: Refusal
  /** Takes the message and says nothing more. */
  isSilentAfterData?: boolean
  /** Takes the connection and says nothing. */
  isSilent?: boolean
  tls?: 'starttls' | 'implicit' | 'off'
  /** Who may sign in; others are refused, and told what they said. */
  password?: string
}

type Refusal = readonly [code: number, words: string]

export interface MailServer {
  port: number
  /** What was accepted. */
  mails: ParsedMail[]
  close(): Promise<void>
}

export async function startMailServer(
  behaviour: MailBehaviour,
  certificate: Certificate,
): Promise<MailServer> {
  const mails: ParsedMail[] = []
  const server = new SMTPServer({
    ...(await toTls(behaviour, certificate)),
    disabledCommands: [
      ...(behaviour.password === undefined ? ['AUTH'] : []),
      ...(behaviour.tls === 'off' ? ['STARTTLS'] : []),
    ],
    allowInsecureAuth: true,
    // Ends with the test, not with its client.
    closeTimeout: 100,
    onConnect: (_session, callback) => callback(toError(behaviour.connect)),
    onRcptTo: (_address, _session, callback) => callback(toError(behaviour.rcpt)),
    onAuth({ username, password }, _session, callback) {
      if (password === behaviour.password) callback(null, { user: username })
      else callback(new Error(`no, ${username} is not known by ${password ?? ''}`))
    },
    onData(stream, _session, callback) {
      void buffer(stream).then(async (bytes) => {
        if (behaviour.isSilentAfterData) return
        if (behaviour.data === undefined) mails.push(await simpleParser(bytes))
        callback(toError(behaviour.data))
      })
    },
  })
  server.on('error', () => undefined)
  const silenced = new Set<Socket>()
  if (behaviour.isSilent) {
    server.server.removeAllListeners('connection')
    server.server.on('connection', (socket: Socket) => silenced.add(socket))
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given')
  return {
    port: address.port,
    mails,
    async close() {
      for (const socket of silenced) socket.destroy()
      await new Promise<void>((resolve) => server.close(resolve))
    },
  }
}

async function toTls({ tls = 'starttls' }: MailBehaviour, { key, cert }: Certificate) {
  const identity = { key: await readFile(key), cert: await readFile(cert) }
  return { ...identity, secure: tls === 'implicit' }
}

function toError(refusal: Refusal | undefined): Error | null {
  if (!refusal) return null
  const [responseCode, words] = refusal
  return Object.assign(new Error(words), { responseCode })
}
