/** How far the causes of an error are followed. */
const MAX_DEPTH = 4
const MAX_TEXT_LENGTH = 2000
const MAX_STACK_LENGTH = 4000

/** Fields of errors that help and that no driver fills with what was sent. */
const SAFE_FIELDS = ['code', 'status', 'syscall', 'retryable', 'detail'] as const

/**
 * An error as it is logged. Only known fields: drivers hang whole commands, requests and headers on
 * their errors, with the texts and keys that were in them.
 */
export function toErrorFields(thrown: unknown, depth = 0): Record<string, unknown> {
  if (!isError(thrown)) return { message: `thrown: ${typeof thrown}` }
  const fields: Record<string, unknown> = {
    type: thrown.name,
    message: thrown.message.slice(0, MAX_TEXT_LENGTH),
    stack: thrown.stack?.slice(0, MAX_STACK_LENGTH),
  }
  for (const name of SAFE_FIELDS) {
    const value: unknown = Reflect.get(thrown, name)
    if (['string', 'number', 'boolean'].includes(typeof value)) fields[name] = value
  }
  if (thrown.cause !== undefined && depth < MAX_DEPTH) {
    fields.cause = toErrorFields(thrown.cause, depth + 1)
  }
  if (thrown instanceof AggregateError && depth < MAX_DEPTH) {
    fields.errors = thrown.errors.slice(0, MAX_DEPTH).map((one) => toErrorFields(one, depth + 1))
  }
  return fields
}

/**
 * An error in one line, for a person at a terminal: the innermost reason, no stack. An aggregate,
 * as of a host name with several addresses, has no message of its own.
 */
export function toReason(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.message === '') return toReason(thrown.errors[0])
  if (!isError(thrown)) return 'unknown reason'
  const [line = ''] = thrown.message.split('\n')
  return line.slice(0, MAX_TEXT_LENGTH) || thrown.name
}

/** Also for an error of another realm, which is no instance of this one's `Error`. */
export function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || Object.prototype.toString.call(thrown) === '[object Error]'
}
