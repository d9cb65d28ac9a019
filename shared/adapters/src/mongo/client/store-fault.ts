import {
  MongoBulkWriteError,
  MongoError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  type TopologyDescription,
} from 'mongodb'

/** Of a failover, a node that ends, a limit of time or somebody else's work: later it may succeed. */
const PASSING_CODES = new Set<unknown>([
  6, // HostUnreachable
  7, // HostNotFound
  24, // LockTimeout
  43, // CursorNotFound
  46, // LockBusy
  50, // MaxTimeMSExpired
  63, // StaleShardVersion
  64, // WriteConcernTimeout
  89, // NetworkTimeout
  91, // ShutdownInProgress
  112, // WriteConflict
  117, // ConflictingOperationInProgress
  133, // FailedToSatisfyReadPreference
  134, // ReadConcernMajorityNotAvailableYet
  150, // StaleEpoch
  189, // PrimarySteppedDown
  202, // NetworkInterfaceExceededTimeLimit
  262, // ExceededTimeLimit
  276, // IndexBuildAborted
  391, // ReauthenticationRequired
  9001, // SocketException
  10_058, // LegacyNotPrimary
  10_107, // NotWritablePrimary
  11_600, // InterruptedAtShutdown
  11_601, // Interrupted
  11_602, // InterruptedDueToReplStateChange
  12_586, // BackgroundOperationInProgressForDatabase
  12_587, // BackgroundOperationInProgressForNamespace
  13_388, // StaleConfig
  13_435, // NotPrimaryNoSecondaryOk
  13_436, // NotPrimaryOrSecondary
])

/** With one of them the server, or the driver, says so itself. `HandshakeError` is not: a wrong password has it. */
const PASSING_LABELS = [
  'RetryableError',
  'RetryableWriteError',
  'SystemOverloadedError',
  'TransientTransactionError',
]

/** Of the driver's own errors, some of which it does not export: no connection to be had, or one that is closed. */
const PASSING_NAMES = new Set([
  'MongoClientClosedError',
  'MongoExpiredSessionError',
  'MongoNotConnectedError',
  'MongoOperationTimeoutError',
  'MongoPoolClosedError',
  'MongoServerClosedError',
  'MongoStalePrimaryError',
  'MongoTopologyClosedError',
  'MongoWaitQueueTimeoutError',
])

const MAX_REASON_CHARS = 300

/** What MongoDB refuses and will refuse again, without anything from a document. */
export class StoreFault extends Error {
  override readonly name = 'StoreFault'
  readonly reason: string

  constructor(reason: string) {
    super(`MongoDB refuses it: ${reason}`)
    this.reason = reason
  }
}

/**
 * What is wrong, in a few words, where the driver's error is one that no waiting mends; undefined where the same may
 * succeed later. An error around another one means what that one means.
 */
export function findFault(error: MongoError): string | undefined {
  const inner = error instanceof MongoBulkWriteError ? error.errorResponse : error.cause
  if (inner instanceof MongoError) return findFault(inner)
  if (PASSING_LABELS.some((label) => error.hasErrorLabel(label))) return undefined
  if (error instanceof MongoServerSelectionError) return findMisplaced(error.reason)
  if (error instanceof MongoServerError) {
    return PASSING_CODES.has(error.code) ? undefined : toReason(error)
  }
  const isPassing = error instanceof MongoNetworkError || PASSING_NAMES.has(error.name)
  return isPassing ? undefined : toReason(error)
}

/** The driver lets go of every server that belongs to another replica set than the one it looks for. */
function findMisplaced(topology: TopologyDescription | undefined): string | undefined {
  if (!topology?.setName || topology.servers.size > 0) return undefined
  return `no member of the replica set "${topology.setName}" is at its address`
}

/** Without what a server quotes in brackets: commands, and keys with their values. */
export function toReason({ message, code }: MongoError): string {
  const [line = ''] = message.split('\n', 1)
  const [said = ''] = line.slice(0, MAX_REASON_CHARS).split(/[{[]/u, 1)
  const text = said.replace(/(?: dup key)?[\s:,]*$/u, '') || 'no reason'
  return code === undefined ? text : `${text} (code ${code})`
}
