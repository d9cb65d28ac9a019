import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { ClientPayload } from '@chatbox/contract'
import type { RequestEvent } from '../connection/connection.ts'
import { FakeServer } from './fake-server.test.support.ts'
import { createMemoryStorage } from '../outbox/outbox-storage.ts'
import { Outbox } from '../outbox/outbox.ts'
import { RequestError } from '../connection/request.ts'
import type { SessionView } from './session-view.ts'
import { SessionViews, type SessionViewsOptions } from './session-views.ts'

const VIEWS = 50
const ANSWER_MS = 20

type Listener = (payload: unknown) => void

describe('session views', () => {
  let servers: FakeServer[]
  let listeners: Map<string, Listener>
  let asked: { event: string; payload: unknown }[]
  let asking: number
  let mostAsking: number
  let refusals: Map<string, RequestError>
  let errors: unknown[]
  let outbox: Outbox
  let views: SessionViews

  beforeEach(() => {
    jest.useFakeTimers()
    servers = Array.from({ length: VIEWS }, (_, index) => new FakeServer(`s${index}`))
    listeners = new Map()
    asked = []
    asking = 0
    mostAsking = 0
    refusals = new Map()
    errors = []
    outbox = new Outbox({
      storage: createMemoryStorage(),
      send: () => new Promise(() => undefined),
      onSent: () => undefined,
    })
    views = new SessionViews({
      connection: {
        on: (event, listener) => {
          listeners.set(event, listener as Listener)
          return () => undefined
        },
        request: request as SessionViewsOptions['connection']['request'],
        sendTyping: (payload) => void asked.push({ event: 'typing', payload }),
      },
      outbox,
      onError: (error) => errors.push(error),
      random: () => 0,
    })
  })

  afterEach(() => {
    views.close()
    jest.useRealTimers()
  })

  async function request(event: RequestEvent, payload: unknown): Promise<unknown> {
    asked.push({ event, payload })
    asking += 1
    mostAsking = Math.max(mostAsking, asking)
    const { sessionId, afterSeq = 0, limit = 50 } = payload as ClientPayload<'session:open'>
    const server = servers.find((one) => one.sessionId === sessionId)
    const page = event === 'session:open' ? server?.open(afterSeq, limit) : {}
    await new Promise((resolve) => setTimeout(resolve, ANSWER_MS))
    asking -= 1
    const refusal = refusals.get(sessionId ?? '')
    if (refusal) throw refusal
    return page
  }

  async function openAll(): Promise<SessionView[]> {
    const opening = Promise.all(servers.map(({ sessionId }) => views.open({ sessionId })))
    await jest.runAllTimersAsync()
    asked = []
    mostAsking = 0
    return await opening
  }

  const emit = (event: string, payload: unknown): void => listeners.get(event)?.(payload)

  /** Sends what the servers have done, one event of each in turn. */
  function deliver(): void {
    const longest = Math.max(...servers.map(({ events }) => events.length))
    for (let index = 0; index < longest; index += 1) {
      for (const { events } of servers) {
        const event = events[index]
        if (event?.type === 'message') emit('message:new', { message: event.message })
        else if (event?.type === 'start') emit('reply:start', event.start)
        else if (event?.type === 'delta') emit('reply:delta', event.delta)
      }
    }
  }

  const shown = ({ state }: SessionView): unknown => [state.log.messages, state.log.drafts[0]?.text]
  const held = ({ messages, reply }: FakeServer): unknown => [messages, reply?.text]

  it('gives each of fifty the events of its session and no others', async () => {
    const all = await openAll()
    for (const [index, server] of servers.entries()) {
      for (const action of ['ask', 'start', ...Array<string>(1 + (index % 5)).fill('write')]) {
        server.act(action)
      }
      if (index % 2) server.act('finish')
    }
    const changed: string[] = []
    for (const view of all) view.subscribe(() => changed.push(view.id))
    deliver()
    expect(all.map(shown)).toEqual(servers.map(held))
    expect(all.map(({ id }) => changed.filter((one) => one === id).length)).toEqual(
      servers.map(({ events }) => events.length),
    )
    const from = { type: 'user', id: 'v', name: 'Vera' }
    emit('typing', { sessionId: 's7', from, typing: true })
    emit('message:receipt', { sessionId: 's8', reader: from, seq: 3 })
    expect(all.flatMap(({ id, state }) => (state.typists.length > 0 ? [id] : []))).toEqual(['s7'])
    expect(all.flatMap(({ id, state }) => (state.readUpTo.v === 3 ? [id] : []))).toEqual(['s8'])
    all[9]?.send('of this one')
    expect(all.flatMap(({ id, state }) => (state.unsent.length > 0 ? [id] : []))).toEqual(['s9'])
  })

  it('closes one and leaves the others', async () => {
    const all = await openAll()
    const [closed, ...rest] = all
    closed?.onInput()
    closed?.close()
    closed?.close()
    expect(asked).toEqual([
      { event: 'typing', payload: { sessionId: 's0', typing: true } },
      { event: 'typing', payload: { sessionId: 's0', typing: false } },
    ])
    for (const server of servers) server.act('ask')
    deliver()
    expect(closed?.state.log.messages).toEqual([])
    expect(rest.map(shown)).toEqual(servers.slice(1).map(held))
    const again = views.open({ sessionId: 's0' })
    await jest.runAllTimersAsync()
    expect(shown(await again)).toEqual(held(at(servers, 0)))
    closed?.close()
    emit('session:head', { sessionId: 's0', lastSeq: 9 })
    expect((await again).state.log.headSeq).toBe(9)
  })

  it('catches all of them up after a gap, and at most four at once ask for it', async () => {
    const all = await openAll()
    for (const server of servers) for (const action of ['ask', 'start', 'write']) server.act(action)
    refusals.set('s3', refusal('NOT_FOUND', false))
    refusals.set('s4', refusal('TOO_MANY_REQUESTS', true, 60_000))
    all[5]?.close()
    const done = views.catchUp()
    all[6]?.close()
    await jest.advanceTimersByTimeAsync(VIEWS * ANSWER_MS)
    await done
    const others = [...servers.keys()].filter((index) => index < 3 || index > 6)
    expect(others.map((index) => shown(at(all, index)))).toEqual(
      others.map((index) => held(at(servers, index))),
    )
    expect(mostAsking).toBe(4)
    expect(errors).toEqual([refusals.get('s3')])
    expect(JSON.stringify(asked)).not.toMatch(/"s5"|"s6"/)
    refusals.clear()
    await jest.advanceTimersByTimeAsync(58_000)
    expect(all[4]?.state.log.messages).toEqual([])
    await jest.advanceTimersByTimeAsync(2000)
    expect(shown(at(all, 4))).toEqual(held(at(servers, 4)))
  })

  it('opens more while others catch up, and refuses one more than fifty before it asks', async () => {
    const all = await openAll()
    await expect(views.open({ sessionId: 'more' })).rejects.toThrow('Too many chats')
    await expect(views.open({})).rejects.toThrow('Too many chats')
    expect(asked).toEqual([])
    all[0]?.close()
    const done = views.catchUp()
    const opened = Promise.all([views.open({ sessionId: 's0' }), views.open({ sessionId: 's49' })])
    await jest.advanceTimersByTimeAsync(ANSWER_MS)
    expect((await opened).map(({ id }) => id)).toEqual(['s0', 's49'])
    expect((await opened)[1]).toBe(all[49])
    await jest.runAllTimersAsync()
    await done
  })

  it('says again that the user types where the connection that was told is gone', async () => {
    const [view] = await openAll()
    view?.onInput()
    view?.onInput()
    views.onOffline()
    await jest.advanceTimersByTimeAsync(60_000)
    expect(asked).toHaveLength(1)
    view?.onInput()
    views.onOffline()
    view?.onInput()
    const payload = { sessionId: 's0', typing: true }
    expect(asked).toEqual(Array(3).fill({ event: 'typing', payload }))
  })

  it('keeps what happens between the page of a session and its answer', async () => {
    const server = at(servers, 0)
    server.act('ask')
    const opening = views.open({ sessionId: 's0' })
    server.act('start')
    server.act('write')
    deliver()
    await jest.advanceTimersByTimeAsync(ANSWER_MS)
    expect(shown(await opening)).toEqual(held(server))
  })
})

function at<T>(items: readonly T[], index: number): T {
  const item = items[index]
  if (item === undefined) throw new Error(`there is no ${index}`)
  return item
}

function refusal(
  code: 'NOT_FOUND' | 'TOO_MANY_REQUESTS',
  retryable: boolean,
  ms = 0,
): RequestError {
  return new RequestError({ code, message: 'No.', retryable, retryAfterMs: ms })
}
