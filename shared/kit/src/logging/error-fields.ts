/** How many causes of an error to follow. */
const MAX_DEPTH = 4
const MAX_TEXT_LENGTH = 2000
const MAX_STACK_LENGTH = 4000

/** Error fields that help, and that no driver fills with user data. */
const SAFE_FIELDS = ['code', 'status', 'syscall', 'retryable', 'detail'] as const

/**
 * Returns the fields of an error to log. Only known fields are logged, because drivers attach whole
 * commands, requests and headers, with the texts and keys in them.
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
 * Describes an error in one line for a person at a terminal: the innermost reason, without a stack.
 * An aggregate error, for example of a host name with several addresses, has no message of its own.
 */
export function toReason(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.message === '') return toReason(thrown.errors[0])
  if (!isError(thrown)) return 'unknown reason'
  const [line = ''] = thrown.message.split('\n')
  return line.slice(0, MAX_TEXT_LENGTH) || thrown.name
}

/** Also true for an error of another realm, which is not an instance of this `Error`. */
export function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || Object.prototype.toString.call(thrown) === '[object Error]'
}
