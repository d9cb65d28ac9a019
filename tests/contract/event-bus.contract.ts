import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { BusEvent, ReplyDelta, Session } from '@chatbox/contract'
import type { EventBus } from '@chatbox/core'
import { eventually, newId, type CountedHooks } from './redis.support.ts'

export interface BusHarness {
  /** Where workers publish. */
  bus: EventBus
  /** The bus of another process, or the same one where there is but one. */
  other: EventBus
  hooks: CountedHooks
  /** Of `other`. */
  otherHooks: CountedHooks
  close(): Promise<void>
}

export function newDelta(over: Partial<ReplyDelta> = {}): ReplyDelta {
  return { sessionId: 'session', replyId: 'reply', attempt: 1, index: 0, text: 'text', ...over }
}

export function toStart(sessionId: string): BusEvent {
  return {
    event: 'reply:start',
    payload: { sessionId, replyId: 'reply', replyTo: 'question', modelId: 'demo', attempt: 1 },
  }
}

export function toUpdate(sessionId: string, name: string): BusEvent {
  const session: Session = {
    id: sessionId,
    userId: 'ada@example.org',
    userName: 'Ada',
    name,
    status: 'active',
    modelId: 'demo',
    startedAt: '2026-01-01T00:00:00.000Z',
    lastActivityAt: '2026-01-01T00:00:00.000Z',
    endedAt: null,
    lastSeq: 0,
    messageCount: 0,
    help: null,
    assistedBy: null,
    adminAssisted: false,
    usage: { promptTokens: 0, completionTokens: 0, totalTokens: 0 },
    responseTimeMs: { avg: 0.5, max: 1 },
    shared: false,
  }
  return { event: 'session:updated', payload: { session } }
}

const never = (): string => {
  throw new Error('nothing was lost, so nobody should ask for the whole text')
}

/** Writes a whole reply as deltas, the way a worker does: one after the other. */
export async function writeReply(
  bus: EventBus,
  first: Partial<ReplyDelta>,
  texts: string[],
): Promise<void> {
  for (const [index, text] of texts.entries()) {
    await bus.publishDelta(newDelta({ ...first, index, text }), () =>
      texts.slice(0, index + 1).join(''),
    )
  }
}

export function describeEventBus(name: string, open: () => Promise<BusHarness>): void {
  describe(`EventBus: ${name}`, () => {
    let harness: BusHarness
    let bus: EventBus
    let other: EventBus
    let sessionId: string
    let replyId: string
    beforeEach(async () => {
      harness = await open()
      ;({ bus, other } = harness)
      sessionId = newId()
      replyId = newId()
    })
    afterEach(() => harness.close())

    const has =
      (count: number) =>
      (items: unknown[]): boolean =>
        items.length >= count

    it('tells every subscriber of the session, and of no other, from the first event on', async () => {
      const here: BusEvent[] = []
      const there: BusEvent[] = []
      const elsewhere: BusEvent[] = []
      await bus.subscribe(sessionId, (event) => here.push(event))
      await other.subscribe(sessionId, (event) => there.push(event))
      await other.subscribe(newId(), (event) => elsewhere.push(event))
      const event = toStart(sessionId)
      await bus.publish(sessionId, event)
      await eventually(() => here, has(1))
      await eventually(() => there, has(1))
      expect(here).toEqual([event])
      expect(there).toEqual([event])
      expect(there[0]).not.toBe(event)
      expect(elsewhere).toEqual([])
    })

    it('keeps the order in which one process published', async () => {
      const names: string[] = []
      await other.subscribe(sessionId, (event) => {
        if (event.event === 'session:updated') names.push(event.payload.session.name)
      })
      const expected = Array.from({ length: 200 }, (_, index) => String(index))
      await Promise.all(expected.map((name) => bus.publish(sessionId, toUpdate(sessionId, name))))
      await eventually(() => names, has(200))
      expect(names).toEqual(expected)
    })

    it('carries any text unchanged', async () => {
      const text = '👩‍🚀 \u0000 \u2028 "quotes" \\ \r\n ünïcödé 日本語 </script>'
      const seen: BusEvent[] = []
      await other.subscribe(sessionId, (event) => seen.push(event))
      const delta = newDelta({ sessionId, replyId, text })
      await bus.publishDelta(delta, never)
      await eventually(() => seen, has(1))
      expect(seen).toEqual([{ event: 'reply:delta', payload: delta }])
      expect(await other.readDraft(sessionId, replyId)).toEqual({ attempt: 1, index: 1, text })
    })

    it('stops telling one listener and goes on telling its neighbours', async () => {
      const first: BusEvent[] = []
      const second: BusEvent[] = []
      const unsubscribe = await other.subscribe(sessionId, (event) => first.push(event))
      await other.subscribe(sessionId, (event) => second.push(event))
      await unsubscribe()
      await unsubscribe()
      await bus.publish(sessionId, toStart(sessionId))
      await eventually(() => second, has(1))
      expect(first).toEqual([])
    })

    it('serves a session again after its last listener went and another came', async () => {
      const seen: BusEvent[] = []
      for (let round = 1; round <= 20; round++) {
        const unsubscribe = await other.subscribe(sessionId, (event) => seen.push(event))
        await bus.publish(sessionId, toStart(sessionId))
        await eventually(() => seen, has(round))
        await unsubscribe()
      }
      expect(seen).toHaveLength(20)
    })

    it('takes 50 subscribers of one session at once', async () => {
      let told = 0
      const all = await Promise.all(
        Array.from({ length: 50 }, () => other.subscribe(sessionId, () => told++)),
      )
      await bus.publish(sessionId, toStart(sessionId))
      await eventually(
        () => told,
        (count) => count === 50,
      )
      await Promise.all(all.map((unsubscribe) => unsubscribe()))
    })

    it('lets no listener harm another', async () => {
      const seen: BusEvent[] = []
      await other.subscribe(sessionId, () => {
        throw new Error('a faulty listener')
      })
      await other.subscribe(sessionId, (event) => seen.push(event))
      await bus.publish(sessionId, toStart(sessionId))
      await eventually(() => seen, has(1))
      expect(harness.otherHooks.errors).toHaveLength(1)
    })

    it('delivers nothing that its schema refuses, and counts it', async () => {
      const seen: BusEvent[] = []
      await other.subscribe(sessionId, (event) => seen.push(event))
      const start = toStart(sessionId)
      const payload = { ...start.payload, attempt: 'text of a user' }
      await bus.publish(sessionId, { ...start, payload } as unknown as BusEvent)
      await bus.publish(sessionId, toStart('another-session'))
      await bus.publish(sessionId, start)
      await eventually(() => seen, has(1))
      expect(seen).toEqual([start])
      expect(harness.otherHooks.refused).toEqual([
        { source: 'bus', ids: { sessionId } },
        { source: 'bus', ids: { sessionId } },
      ])
    })

    it('passes the wish to stop a reply to every worker', async () => {
      const stopped: string[] = []
      const unsubscribe = await other.onStop((id) => stopped.push(id))
      await bus.publishStop(replyId)
      await eventually(() => stopped, has(1))
      expect(stopped).toEqual([replyId])
      await unsubscribe()
    })

    it('builds a draft from deltas, readable from everywhere', async () => {
      expect(await other.readDraft(sessionId, replyId)).toBeUndefined()
      await writeReply(bus, { sessionId, replyId }, ['one ', 'two ', 'three'])
      expect(await other.readDraft(sessionId, replyId)).toEqual({
        attempt: 1,
        index: 3,
        text: 'one two three',
      })
    })

    it('fences the deltas of an earlier attempt and drops their text', async () => {
      const seen: ReplyDelta[] = []
      await other.subscribe(sessionId, (event) => {
        if (event.event === 'reply:delta') seen.push(event.payload)
      })
      await writeReply(bus, { sessionId, replyId, attempt: 1 }, ['old ', 'text'])
      await writeReply(bus, { sessionId, replyId, attempt: 2 }, ['new'])
      const late = newDelta({ sessionId, replyId, attempt: 1, index: 2, text: 'too late' })
      expect(await bus.publishDelta(late, never)).toBe('fenced')
      expect(await other.readDraft(sessionId, replyId)).toEqual({
        attempt: 2,
        index: 1,
        text: 'new',
      })
      await eventually(() => seen, has(3))
      expect(seen.map(({ text }) => text)).toEqual(['old ', 'text', 'new'])
    })

    it('puts the whole text where earlier deltas are missing', async () => {
      const delta = newDelta({ sessionId, replyId, index: 7, text: 'end' })
      expect(await bus.publishDelta(delta, () => 'all that came before and the end')).toBe(
        'published',
      )
      const next = newDelta({ sessionId, replyId, index: 8, text: '.' })
      expect(await bus.publishDelta(next, never)).toBe('published')
      expect(await other.readDraft(sessionId, replyId)).toEqual({
        attempt: 1,
        index: 9,
        text: 'all that came before and the end.',
      })
    })

    it('keeps each delta once', async () => {
      const delta = newDelta({ sessionId, replyId })
      await bus.publishDelta(delta, never)
      await bus.publishDelta(delta, never)
      expect(await other.readDraft(sessionId, replyId)).toMatchObject({ index: 1, text: 'text' })
    })

    it('keeps nothing of a dropped draft, nor of what the same attempt writes later', async () => {
      await writeReply(bus, { sessionId, replyId }, ['one ', 'two '])
      await bus.dropDraft({ sessionId, replyId, attempt: 1 })
      expect(await other.readDraft(sessionId, replyId)).toBeUndefined()
      const late = newDelta({ sessionId, replyId, index: 2 })
      expect(await bus.publishDelta(late, never)).toBe('fenced')
      expect(await other.readDraft(sessionId, replyId)).toBeUndefined()
      await writeReply(bus, { sessionId, replyId, attempt: 2 }, ['again'])
      expect(await other.readDraft(sessionId, replyId)).toMatchObject({ attempt: 2, text: 'again' })
    })

    it('lets nobody write who is told too late that the draft has ended before it began', async () => {
      await bus.dropDraft({ sessionId, replyId, attempt: 2 })
      for (const attempt of [1, 2]) {
        const late = newDelta({ sessionId, replyId, attempt })
        expect(await other.publishDelta(late, never)).toBe('fenced')
      }
      expect(await bus.readDraft(sessionId, replyId)).toBeUndefined()
      await writeReply(bus, { sessionId, replyId, attempt: 3 }, ['again'])
      expect(await other.readDraft(sessionId, replyId)).toMatchObject({ attempt: 3, text: 'again' })
    })

    it('leaves the draft of a later attempt alone', async () => {
      await writeReply(bus, { sessionId, replyId, attempt: 2 }, ['again'])
      await other.dropDraft({ sessionId, replyId, attempt: 1 })
      expect(await other.takeDraft({ sessionId, replyId, attempt: 1 })).toBeUndefined()
      expect(await bus.readDraft(sessionId, replyId)).toMatchObject({ attempt: 2, text: 'again' })
    })

    it('gives a draft away once, with all that anybody was shown of it', async () => {
      await writeReply(bus, { sessionId, replyId }, ['one ', 'two'])
      const place = { sessionId, replyId, attempt: 1 }
      const taken = await Promise.all([bus.takeDraft(place), other.takeDraft(place)])
      expect(taken.filter(Boolean)).toEqual([{ attempt: 1, index: 2, text: 'one two' }])
      const late = newDelta({ sessionId, replyId, index: 2 })
      expect(await bus.publishDelta(late, never)).toBe('fenced')
    })

    it('keeps a draft of many small deltas, and gives up on one that is too long', async () => {
      const small = Array.from({ length: 2300 }, (_, index) => `${index},`)
      await writeReply(bus, { sessionId, replyId }, small)
      expect(await other.readDraft(sessionId, replyId)).toEqual({
        attempt: 1,
        index: 2300,
        text: small.join(''),
      })
      const long = newDelta({ sessionId, replyId, index: 2300, text: 'x'.repeat(199_000) })
      const longer = newDelta({ sessionId, replyId, index: 2301, text: 'y'.repeat(100_000) })
      const soFar = small.join('') + long.text
      expect(await bus.publishDelta(long, () => soFar)).toBe('published')
      expect(await bus.publishDelta(longer, () => soFar + longer.text)).toBe('published')
      expect(await other.readDraft(sessionId, replyId)).toBeUndefined()
      const seen: BusEvent[] = []
      await other.subscribe(sessionId, (event) => seen.push(event))
      await bus.publishDelta(newDelta({ sessionId, replyId, index: 2302 }), never)
      await eventually(() => seen, has(1))
    }, 20_000)

    it('takes the deltas of 50 replies at once', async () => {
      const ids = Array.from({ length: 50 }, newId)
      await Promise.all(
        ids.map((id) => writeReply(bus, { sessionId, replyId: id }, [id, ' and ', 'more'])),
      )
      const drafts = await Promise.all(ids.map((id) => other.readDraft(sessionId, id)))
      expect(drafts.map((draft) => draft?.text)).toEqual(ids.map((id) => `${id} and more`))
    })

    it('closes once, however often it is asked', async () => {
      await bus.close()
      await bus.close()
      await bus.publish(sessionId, toStart(sessionId))
    })
  })
}
