import { describe, expect, it } from '@jest/globals'
import { MongoBulkWriteError, type MongoError, MongoNetworkError, MongoServerError } from 'mongodb'
import { findFault, isDuplicateKey } from './errors.ts'

const REFUSED = new MongoServerError({ message: 'Authentication failed.', code: 18 })
REFUSED.addErrorLabel('HandshakeError')
const AWAY = new MongoNetworkError('closed')

describe('findFault', () => {
  it('looks into an error around another one', () => {
    const cleared = (cause: Error) => new MongoNetworkError('the pool was cleared', { cause })
    const inBulk = (error: MongoError) => new MongoBulkWriteError(error, {} as never)
    expect(findFault(cleared(REFUSED))).toBe('Authentication failed. (code 18)')
    expect(findFault(inBulk(REFUSED))).toBe('Authentication failed. (code 18)')
    expect(findFault(cleared(AWAY))).toBeUndefined()
    expect(findFault(inBulk(AWAY))).toBeUndefined()
  })
})

describe('isDuplicateKey', () => {
  it.each([
    ['E11000 duplicate key error collection: db.messages index: log dup key: { seq: 1 }', true],
    ['E11000 duplicate key error collection: db.messages index: _id_ dup key: { _id: 1 }', true],
    ['E11000 duplicate key error collection: db.sessions index: active dup key: { x: 1 }', true],
    ['E11000 duplicate key error collection: db.messages', true],
    ['E11000 duplicate key error collection: db.messages index: open dup key: { x: 1 }', false],
    ['E11000 duplicate key error collection: db.messages index: theirs dup key: { x: 1 }', false],
  ])('is only of an index of ours: %s', (message, expected) => {
    expect(isDuplicateKey(new MongoServerError({ message, code: 11_000 }))).toBe(expected)
  })
})
