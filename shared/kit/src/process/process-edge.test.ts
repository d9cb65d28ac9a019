import { createServer } from 'node:net'
import { UnusableStoreError } from '@chatbox/core'
import { describe, expect, it } from '@jest/globals'
import { readSettings } from '../settings/read-settings.ts'
import { explainStartFault } from './process-edge.ts'

const settings = readSettings({ PORT: '8081', MANAGEMENT_PORT: '9091' })

function systemError(fields: object): Error {
  return Object.assign(new Error('listen EADDRINUSE: address already in use'), fields)
}

describe('explainStartFault', () => {
  it('names the setting of a port that is taken', async () => {
    expect(explainStartFault(systemError({ code: 'EADDRINUSE', port: 8081 }), settings)).toBe(
      'PORT 8081 is taken by another process',
    )
    expect(explainStartFault(systemError({ code: 'EADDRINUSE', port: 9091 }), settings)).toBe(
      'MANAGEMENT_PORT 9091 is taken by another process',
    )
  })

  it('knows the errors of a real server and a real file', async () => {
    const refused = await new Promise<Error>((resolve) => {
      createServer().once('error', resolve).listen(8081, '203.0.113.1')
    })
    expect(explainStartFault(refused, settings)).toMatch(/^PORT 8081 cannot be opened: /)
    const file = systemError({ code: 'EACCES', path: '/data/chat.db' })
    expect(explainStartFault(file, settings)).toMatch(/^\/data\/chat\.db cannot be used: /)
    const cause = systemError({ code: 'ERR_SQLITE_ERROR' })
    const store = Object.assign(new Error('the file is damaged', { cause }), {
      code: 'UNAVAILABLE',
    })
    expect(explainStartFault(store, settings)).toBe('DATA_DIR: the file is damaged')
  })

  it('passes on what the store says of itself, which no restart mends', () => {
    const unusable = new UnusableStoreError('the database is of a later version')
    expect(explainStartFault(unusable, settings)).toBe('the database is of a later version')
  })

  it('leaves faults of the program to their stack', () => {
    expect(explainStartFault(new TypeError('x is not a function'), settings)).toBeUndefined()
    expect(explainStartFault('text', settings)).toBeUndefined()
  })
})
