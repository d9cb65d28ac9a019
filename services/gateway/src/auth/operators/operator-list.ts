import { createHash } from 'node:crypto'
import { OPERATOR_PREFIX } from '@chatbox/core'
import type { OperatorEntry } from '@chatbox/kit'

/** The operators by mail address, as the settings name them. */
export interface OperatorList {
  findByAddress(address: string): OperatorEntry | undefined
  findById(id: string): OperatorEntry | undefined
  /** The first admin, else the first operator. */
  first(): OperatorEntry | undefined
}

export function createOperatorList(entries: readonly OperatorEntry[]): OperatorList {
  const byAddress = new Map(entries.map((entry) => [entry.address, entry]))
  const byId = new Map(entries.map((entry) => [toOperatorId('mail', entry.address), entry]))
  return {
    findByAddress: (address) => byAddress.get(normalAddress(address)),
    findById: (id) => byId.get(id),
    first: () => entries.find(({ role }) => role === 'admin') ?? entries[0],
  }
}

export function normalAddress(address: string): string {
  return address.trim().toLowerCase()
}

const ID_LENGTH = 22

/**
 * Returns the id of an operator who signs in here. Visitors see it, so it is a digest: it tells
 * nobody the address, and it stays the same when keys change.
 */
export function toOperatorId(...names: ['mail', address: string] | ['oidc', ...string[]]): string {
  const digest = createHash('sha256').update(JSON.stringify(names)).digest('base64url')
  return `${OPERATOR_PREFIX}${digest.slice(0, ID_LENGTH)}`
}
