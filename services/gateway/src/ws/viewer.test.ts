import { describe, expect, it } from '@jest/globals'
import type { Member } from './session-rooms.ts'
import { createViewer } from './viewer.ts'

function openViewer() {
  const member: Member = {
    socket: { id: 'a', connected: true, join: () => undefined, leave: () => undefined },
    sessionIds: new Set(),
    isCongested: () => false,
  }
  const join = async ({ sessionIds }: Member, sessionId: string) => void sessionIds.add(sessionId)
  return { member, viewer: createViewer({ join, leave: () => undefined }, member) }
}

const SESSION = { id: 'one', userId: 'ann', lastSeq: 3 }

describe('a viewer', () => {
  it('knows a session that it has joined', async () => {
    const { viewer } = openViewer()
    await viewer.join('one')
    viewer.note(SESSION)
    expect(viewer.seen('one')).toEqual(SESSION)
  })

  it('notes nothing of a session that it has not joined', () => {
    const { viewer } = openViewer()
    viewer.note(SESSION)
    expect(viewer.seen('one')).toBeUndefined()
  })

  it('forgets a session that it has left, also when it joins again', async () => {
    const { member, viewer } = openViewer()
    await viewer.join('one')
    viewer.note(SESSION)
    member.sessionIds.delete('one')
    expect(viewer.seen('one')).toBeUndefined()
    await viewer.join('two')
    viewer.note({ ...SESSION, id: 'two' })
    await viewer.join('one')
    expect(viewer.seen('one')).toBeUndefined()
  })
})
