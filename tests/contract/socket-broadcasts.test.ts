import { expect, it } from '@jest/globals'
import { sessionRoom } from '@chatbox/contract'
import { toUpdate } from './event-bus.contract.ts'
import {
  describeWithRedis,
  eventually,
  forgedEvents,
  redisSecrets,
  sealedEvents,
} from './redis.support.ts'
import { ROOM, toTyping, useGateways } from './socket-gateways.support.ts'

const OPENING = Buffer.from('another ')

interface Changes {
  event?: string
  payload?: unknown
  rooms?: string[]
  more?: unknown[]
}

/** The JSON of what another gateway publishes, unless something of it is changed. */
function toJson(changes: Changes): string {
  const { event, payload, rooms, more } = {
    ...{ event: 'typing', payload: toTyping('one'), rooms: [ROOM], more: [] },
    ...changes,
  }
  const packet = { type: 2, data: [event, payload, ...more], nsp: '/' }
  return JSON.stringify(['another', packet, { rooms, except: [], flags: {} }])
}

function toBroadcast(changes: Changes): Buffer {
  return sealedEvents.sealBroadcast(OPENING, toJson(changes))
}

/** As gateways published before broadcasts were frames of bytes. */
function toTextBroadcast(publisher: string, changes: Changes): string {
  const sealed = redisSecrets.cipher.seal(toJson(changes), `broadcast/${publisher}`)
  return `${publisher} ${sealed}`
}

/** Changes one bit of the byte at `at`, from the end if it is negative. */
function flip(bytes: Buffer, at: number): Buffer {
  const index = at < 0 ? bytes.length + at : at
  return Buffer.from(bytes.map((byte, i) => (i === index ? byte ^ 1 : byte)))
}

describeWithRedis('a broadcast over Redis', () => {
  const h = useGateways()

  it('delivers nothing that no gateway sends, counts it, and goes on', async () => {
    const [, two] = await h.startTwo()
    const there = await two.connect()
    const seen: unknown[] = []
    there.onAny((...event: unknown[]) => seen.push(event))
    const channel = `${two.prefix}:io#/#`
    const good = toBroadcast({})
    const forged = [
      ...['', 'x', '1', 'null', '[]', '{}', ' ', 'another', 'another ', 'another \u0002'],
      ...[good.subarray(0, -3), Buffer.concat([good, good]), good.subarray(0, 30), flip(good, 0)],
      ...[
        flip(good, OPENING.length),
        flip(good, OPENING.length + 1),
        flip(good, 20),
        flip(good, -1),
      ],
      // Whoever reaches Redis knows the form, but has no key, and cannot rename a publisher.
      ...[toJson({}), `another ${toJson({})}`],
      forgedEvents.sealBroadcast(OPENING, toJson({})),
      sealedEvents.sealBroadcast(Buffer.from('others '), toJson({})),
      Buffer.concat([Buffer.from('others '), good.subarray(OPENING.length)]),
      toTextBroadcast('another', {}).slice(0, -3),
      toTextBroadcast('another', {}).replace('another', 'others'),
      toTextBroadcast('others', {}),
      // What is sealed for something else is no broadcast.
      `another ${sealedEvents.sealEvent('one', toUpdate('one', ''))}`,
      `another ${redisSecrets.cipher.seal(toJson({}), 'event/one')}`,
      // A gateway sends an event of one session to nobody else.
      toBroadcast({ rooms: [sessionRoom('two')] }),
      toBroadcast({ rooms: [ROOM, sessionRoom('two')] }),
      toBroadcast({ rooms: ['user:user'] }),
      toBroadcast({
        event: 'session:updated',
        payload: toUpdate('one', '').payload,
        rooms: ['user:x'],
      }),
      toBroadcast({ event: 'server:draining', payload: { reconnectAfterMs: 0 } }),
      toBroadcast({ event: 'reply:delta' }),
      toBroadcast({ payload: undefined }),
      toBroadcast({ rooms: [] }),
      toBroadcast({ more: ['another'] }),
    ]
    for (const message of forged) await h.stranger.publish(channel, message)
    await h.stranger.publish(`${channel}${ROOM}#`, 'x')
    await h.stranger.publish(channel, good)
    await eventually(
      () => seen.length,
      (count) => count > 0,
    )
    expect(seen).toEqual([['typing', toTyping('one')]])
    expect(two.redis.hooks.refused).toEqual(
      Array.from({ length: forged.length + 1 }, () => ({ source: 'broadcast', ids: {} })),
    )
  })

  it('delivers what gateways published before as a text', async () => {
    const [, two] = await h.startTwo()
    const there = await two.connect()
    const heard = new Promise((resolve) => there.once('typing', resolve))
    await h.stranger.publish(`${two.prefix}:io#/#${ROOM}#`, toTextBroadcast('another', {}))
    expect(await heard).toEqual(toTyping('one'))
    expect(two.redis.hooks.refused).toEqual([])
  })
})
