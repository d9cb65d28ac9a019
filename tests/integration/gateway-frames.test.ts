import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Session } from '@chatbox/contract'
import fc from 'fast-check'
import { openChatUser, type ChatUser } from '../support/chat-user.ts'
import { useGateway } from '../support/gateway-harness.ts'
import type { RawSocket } from '../support/raw-socket.ts'

const h = useGateway()

let user: ChatUser
let session: Session

beforeAll(async () => {
  user = await openChatUser({ url: h.gateway.url })
  session = (await user.open()).session
})

afterAll(() => {
  user.close()
})

/** Whatever was done to others: this socket is still there, and its log is as it was. */
async function expectUntouched(): Promise<void> {
  expect(user.closeReason()).toBeUndefined()
  expect((await user.open({ sessionId: session.id })).session.lastSeq).toBe(0)
}

/** `421["typing"]` in that many pieces. */
function sendFragments(raw: RawSocket, count: number): void {
  const text = `421["typing"${' '.repeat(count)}]`
  for (let index = 0; index < count; index++) {
    const isLast = index === count - 1
    raw.socket.send(isLast ? text.slice(index) : (text[index] ?? ''), { fin: isLast })
  }
}

describe('frames that are no events', () => {
  it.each([
    [
      'a frame over the limit',
      (raw: RawSocket) => raw.socket.send(`42["typing","${'x'.repeat(70_000)}"]`),
      1009,
    ],
    ['a binary frame', (raw: RawSocket) => raw.socket.send(randomBytes(100)), 1005],
    [
      'a binary attachment',
      (raw: RawSocket) => raw.socket.send('451-["typing",{"_placeholder":true,"num":0}]'),
      1005,
    ],
    ['many attachments', (raw: RawSocket) => raw.socket.send('45999999-["typing"]'), 1005],
    ['binary in base64', (raw: RawSocket) => raw.socket.send('bAAAA'), 1005],
    ['an unknown packet', (raw: RawSocket) => raw.socket.send('49[]'), 1005],
    ['an unknown engine packet', (raw: RawSocket) => raw.socket.send('9'), 1005],
    ['an empty frame', (raw: RawSocket) => raw.socket.send(''), 1005],
    ['cut JSON', (raw: RawSocket) => raw.socket.send('42["typing",{'), 1005],
    ['an event that is no list', (raw: RawSocket) => raw.socket.send('42{"0":"typing"}'), 1005],
    ['an event named as an object', (raw: RawSocket) => raw.socket.send('42[{}]'), 1005],
    ['a reserved event', (raw: RawSocket) => raw.socket.send('42["disconnect"]'), 1005],
    ['a second handshake', (raw: RawSocket) => raw.socket.send('40{}'), 1005],
    ['65 fragments', (raw: RawSocket) => sendFragments(raw, 65), 1008],
    [
      'text that is not UTF-8',
      (raw: RawSocket) => raw.socket.send(Buffer.from([0x34, 0xff, 0xfe]), { binary: false }),
      1007,
    ],
  ])('%s: that socket is closed, no other is touched', async (_what, act, code) => {
    const raw = await h.loginRaw()
    act(raw)
    expect(await raw.closed).toBe(code)
    await expectUntouched()
  })

  it('says why, where the client can be told', async () => {
    const raw = await h.loginRaw()
    raw.socket.send('42["typing",{')
    expect(await raw.waitForFrame((frame) => frame.startsWith('42["error"'))).toContain(
      'INVALID_FORMAT',
    )
    await raw.closed
  })

  it.each(['', '4', '40', '49', '42["typing"]', '5', randomBytes(50)])(
    'before the handshake %j leads to nothing but its own end',
    async (frame) => {
      const raw = await h.connectRaw()
      raw.socket.send(frame)
      raw.end()
      await raw.closed
      await expectUntouched()
    },
  )

  it('serves a message in 64 fragments', async () => {
    const raw = await h.loginRaw()
    sendFragments(raw, 64)
    await raw.waitForFrame((frame) => frame.startsWith('431'))
  })

  it('outlives a hundred sockets of noise', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ maxLength: 30 }), { maxLength: 5 }), async (texts) => {
        const raw = await h.connectRaw()
        for (const text of texts) raw.socket.send(`4${text}`)
        raw.end()
        await raw.closed
      }),
      { numRuns: 100 },
    )
    await expectUntouched()
  })
})
