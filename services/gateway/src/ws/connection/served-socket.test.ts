import { describe, expect, it } from '@jest/globals'
import { toDisconnectReason } from './served-socket.ts'

describe('toDisconnectReason', () => {
  it('tells what the client sent wrong from what could not be sent to it', () => {
    const tooLong = new Error('RangeError: Max payload size exceeded')
    expect(toDisconnectReason('transport error', tooLong)).toBe('protocol-error')
    expect(toDisconnectReason('transport error')).toBe('protocol-error')
    expect(toDisconnectReason('transport error', new Error('write error'))).toBe('connection-lost')
  })

  it('calls what it does not know a connection that was lost', () => {
    expect(toDisconnectReason('something new')).toBe('connection-lost')
  })
})
