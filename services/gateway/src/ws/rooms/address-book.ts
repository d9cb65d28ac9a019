import type { IncomingMessage } from 'node:http'
import proxyAddr from 'proxy-addr'
import { toAddressKey } from '../../edge/client-address.ts'
import type { ChatSocket } from '../connection/types.ts'

type Conn = ChatSocket['conn']

/** What each new connection is counted by: the address of its client, as HTTP requests are. */
export interface AddressBook {
  add(conn: Conn, request: IncomingMessage): void
  /** Answers and forgets it: nobody asks again once the handshake is over. */
  take(conn: Conn): string
}

export function createAddressBook(trustedProxies: readonly string[]): AddressBook {
  const isTrusted = proxyAddr.compile([...trustedProxies])
  const keys = new WeakMap<Conn, string>()
  return {
    add: (conn, request) => keys.set(conn, toAddressKey(proxyAddr(request, isTrusted))),
    take(conn) {
      const key = keys.get(conn)
      keys.delete(conn)
      return key ?? toAddressKey(undefined)
    },
  }
}
