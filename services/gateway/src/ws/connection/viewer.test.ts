import { describe, expect, it, jest } from '@jest/globals'
import type { Member, SessionRooms } from '../rooms/session-rooms.ts'
import { createViewer } from './viewer.ts'

function openViewer() {
  const noteActivity = jest.fn<SessionRooms['noteActivity']>()
  const member: Member = {
    socket: { id: 'a', connected: true, join: () => undefined, leave: () => undefined },
    sessionIds: new Set(),
    isCongested: () => false,
  }
  const join = async ({ sessionIds }: Member, sessionId: string) => void sessionIds.add(sessionId)
  const rooms = { join, leave: () => undefined, noteActivity }
  return { member, noteActivity, viewer: createViewer(rooms, member) }
}

const SEEN = { id: 'one', userId: 'ann', lastSeq: 3 }
const SESSION = { ...SEEN, lastActivityAt: '2026-01-01T00:00:00.000Z' }

describe('a viewer', () => {
  it('knows a session that it has joined', async () => {
    const { viewer, noteActivity } = openViewer()
    await viewer.join('one')
    viewer.note(SESSION)
    expect(viewer.seen('one')).toEqual(SEEN)
    expect(noteActivity).toHaveBeenCalledWith('one', Date.parse(SESSION.lastActivityAt))
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
