import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { CHANNEL_KINDS, type ChannelKind } from '@chatbox/core'
import { findFreePort } from '../../environment/servers/ports.ts'
import { NOTICE, openChannel, SECRETS, type Target } from './channels.support.ts'
import { startMailServer } from './mail-server.ts'
import { TABLE, type Row, type ServerUnderTest } from './rows.ts'
import { openTrust, type Trust } from './trust.ts'
import { startWebServer } from './web-server.ts'

let trust: Trust
let server: { port: number; close(): Promise<void> } | undefined

beforeAll(async () => {
  trust = await openTrust()
})
afterEach(async () => {
  await server?.close()
  server = undefined
})
afterAll(() => trust.close())

it('has rows for every channel', () => {
  expect(Object.keys(TABLE).toSorted()).toEqual([...CHANNEL_KINDS].toSorted())
})

describe.each(Object.entries(TABLE))('the channel %s to a server that', (kind, rows) => {
  it.each(rows)('%s', async (...[, given, expected]: Row) => {
    const channel = openChannel(kind as ChannelKind, await toTarget(kind, given))
    const delivery = await channel.send(NOTICE, AbortSignal.timeout(25_000))
    const { said = '', ...rest } = expected
    expect(delivery).toMatchObject(rest)
    expect(delivery.said).toContain(said)
    expect(delivery.said).not.toBe('')
    expect('retryAfterMs' in delivery).toBe('retryAfterMs' in expected)
    for (const secret of [...Object.values(SECRETS), given.password]) {
      if (secret !== undefined) expect(JSON.stringify(delivery)).not.toContain(secret)
    }
  })
})

async function toTarget(kind: string, given: ServerUnderTest): Promise<Target> {
  const { certificate, elsewhere } = given
  const target = { host: 'localhost', isTls: certificate !== undefined, ...toBelief(given) }
  if (elsewhere === 'closed port') return { ...target, port: await findFreePort() }
  if (elsewhere) return { ...target, host: 'mail.nowhere.invalid', port: 25 }
  server =
    kind === 'mail'
      ? await startMailServer(given.mail ?? {}, trust[certificate ?? 'good'])
      : await startWebServer(given.web ?? {}, certificate && trust[certificate])
  return { ...target, port: server.port }
}

/** What the channel is told of the server. */
function toBelief({ mail, web, password }: ServerUnderTest): Partial<Target> {
  const isSilent = mail?.isSilent ?? mail?.isSilentAfterData ?? web?.does
  return {
    mailTls: mail?.tls === 'implicit' ? 'implicit' : 'starttls',
    ...(isSilent ? { patienceMs: 300 } : {}),
    ...(password === undefined ? {} : { password }),
  }
}
