import type { DeliveryFault } from '@chatbox/core'

/** Codes of Node and OpenSSL for a certificate that does not prove who answers. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|HOSTNAME_MISMATCH|ALTNAME/
const TLS = /^(?:EPROTO|ERR_SSL|ERR_TLS|ETLS)/
const HOST = /^(?:ENOTFOUND|EAI_|ENODATA|ESERVFAIL|EDNS)/
const TIMEOUT = /^(?:ETIMEDOUT|ESOCKETTIMEDOUT|TimeoutError)/

/** Names what a connection broke on. */
export function toConnectionFault(thrown: unknown): DeliveryFault {
  const codes = codesOf(thrown)
  const isOneOf = (pattern: RegExp) => codes.some((code) => pattern.test(code))
  if (thrown instanceof PrivateAddressError) return 'private-address'
  if (isOneOf(CERTIFICATE)) return 'certificate'
  if (isOneOf(HOST)) return 'host'
  if (isOneOf(TIMEOUT)) return 'timeout'
  return isOneOf(TLS) ? 'tls' : 'connection'
}

/** What an error of the system may hold, and what nodemailer makes of one. */
interface SystemError {
  name?: string
  message?: string
  code?: string
  /** Nodemailer puts its own code in the place of the system's. */
  originalCode?: string
  /** One error for each address that was tried. */
  errors?: unknown[]
}

function codesOf(thrown: unknown): string[] {
  const { name = '', code = '', originalCode = '' } = thrown as SystemError
  return [name, code, originalCode]
}

/** Returns the sentence of an error. An error of several addresses has none of its own. */
export function toWords(thrown: unknown): string {
  const { message, errors, code } = thrown as SystemError
  if (message) return message
  return errors?.map(toWords).join('; ') ?? code ?? 'no reason was given'
}

/** Thrown before a connection into a network of our own is made. */
export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError'
  constructor() {
    super('the address leads into a private network, which ALERT_PRIVATE_ADDRESSES does not allow')
  }
}
