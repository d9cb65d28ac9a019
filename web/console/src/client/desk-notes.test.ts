import { describe, expect, it } from '@jest/globals'
import type { DeskEntry, ServerPayload } from '@chatbox/contract'
import { DeskNotes } from './desk-notes.ts'

const entryOf = (seq: number): DeskEntry =>
  ({
    id: `e${String(seq)}`,
    sessionId: 's',
    seq,
    action: { type: 'note', text: '', mentions: [] },
  }) as unknown as DeskEntry
const deskOf = (seq: number) => ({ seq }) as unknown as ServerPayload<'desk:new'>['desk']

function openNotes(answer: (event: string, payload: object) => Promise<unknown>) {
  const asked: { event: string; payload: { clientEntryId?: string } }[] = []
  let news: ((payload: ServerPayload<'desk:new'>) => void) | undefined
  const server = {
    on(_event: string, listener: typeof news) {
      news = listener
      return () => undefined
    },
    async request(event: string, payload: object) {
      asked.push({ event, payload })
      return answer(event, payload)
    },
  }
  const notes = new DeskNotes(server as unknown as ConstructorParameters<typeof DeskNotes>[0])
  return { notes, asked, tell: (seq: number) => news?.({ entry: entryOf(seq), desk: deskOf(seq) }) }
}

const page = (seqs: number[]) => ({
  ...{ entries: seqs.map(entryOf), desk: deskOf(Math.max(0, ...seqs)), knownTags: [] },
  ...{ draft: 'half', hasMore: false },
})

describe('the operators’ log of a chat', () => {
  it('keeps what came while it was read', async () => {
    const gate = Promise.withResolvers<undefined>()
    const { notes, tell } = openNotes(async () => gate.promise.then(() => page([1])))
    const opening = notes.open('s')
    tell(2)
    gate.resolve(undefined)
    expect(await opening).toBe('half')
    expect(notes.state.entries.map(({ seq }) => seq)).toEqual([1, 2])
    expect(notes.state.desk?.seq).toBe(2)
  })

  it('asks again under the same id after no answer, and under another one after an answer', async () => {
    let isAway = true
    const { notes, asked } = openNotes(async (event) => {
      if (event === 'desk:open') return page([])
      if (isAway) throw new Error('away')
      return { entry: entryOf(1), desk: deskOf(1) }
    })
    await notes.open('s')
    const note = { type: 'note' as const, text: 'once', mentions: [] }
    await expect(notes.append(note)).rejects.toThrow('away')
    isAway = false
    await notes.append(note)
    await notes.append(note)
    const [first, second, third] = asked.slice(1).map(({ payload }) => payload.clientEntryId)
    expect(first).toBe(second)
    expect(third).not.toBe(first)
    expect(notes.state.entries).toHaveLength(1)
  })
})
