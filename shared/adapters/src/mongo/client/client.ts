import { AppError, UnusableStoreError } from '@chatbox/core'
import { MongoClient, ReadConcernLevel, ReadPreference } from 'mongodb'
import { toStoreError } from './deadline.ts'
import { StoreFault } from './store-fault.ts'

/** For the server to give up what nobody waits for any more. */
const COMMAND_TIMEOUT_MS = 2300

/** Passed with each command. */
export const BOUNDED = { maxTimeMS: COMMAND_TIMEOUT_MS } as const

/** An answer that is later than this comes on a connection that is closed. */
const SOCKET_TIMEOUT_MS = 4000

/** Throws an `UnusableStoreError` for a faulty URI; connects when it is first used. */
export function createMongoClient(uri: string, socketTimeoutMS = SOCKET_TIMEOUT_MS): MongoClient {
  try {
    return createClient(uri, socketTimeoutMS)
  } catch (cause) {
    throw new UnusableStoreError(
      'MONGO_URI cannot be read: it has the form mongodb://user:password@host:27017, ' +
        'with special characters percent-encoded',
      { cause },
    )
  }
}

function createClient(uri: string, socketTimeoutMS: number): MongoClient {
  return new MongoClient(uri, {
    appName: 'chatbox',
    writeConcern: { w: 'majority', journal: true, wtimeoutMS: COMMAND_TIMEOUT_MS },
    // What a failover can take back is neither shown nor acknowledged as a repetition.
    readConcern: { level: ReadConcernLevel.majority },
    readPreference: ReadPreference.primary,
    maxPoolSize: 20,
    serverSelectionTimeoutMS: 2000,
    waitQueueTimeoutMS: 2000,
    connectTimeoutMS: 2000,
    socketTimeoutMS,
    heartbeatFrequencyMS: 3000,
  })
}

/** Whoever starts a process reads this: what is wrong, in one line. */
export function toOpenError(thrown: unknown): unknown {
  const error = toStoreError(thrown)
  if (error instanceof StoreFault) {
    return new UnusableStoreError(`MongoDB cannot be used: ${error.reason}`)
  }
  if (!(error instanceof AppError)) return error
  const { cause } = error
  const [reason = ''] = cause instanceof Error ? cause.message.split('\n', 1) : []
  return new AppError('UNAVAILABLE', `MongoDB cannot be used: ${reason || 'no answer'}`, { cause })
}
