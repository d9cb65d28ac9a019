import { createConnection, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { AbstractConnector, type RedisOptions } from 'ioredis'
import type { RedisAddress } from './address.ts'

/** Connects each time to the next node of a cluster, beginning anywhere. */
export function createRotation(
  address: Extract<RedisAddress, { kind: 'cluster' }>,
): NonNullable<RedisOptions['Connector']> {
  const { nodes, access } = address
  let turn = Math.floor(Math.random() * nodes.length)

  return class Rotation extends AbstractConnector {
    constructor() {
      super(DISCONNECT_TIMEOUT_MS)
    }

    async connect(): Promise<Socket> {
      const node = nodes[turn++ % nodes.length]
      this.connecting = true
      this.stream = access.tls
        ? connectTls({ ...access.tls, ...node })
        : createConnection({ host: 'localhost', port: 0, ...node })
      this.stream.once('error', (error: Error) => {
        this.firstError = error
      })
      return this.stream
    }
  }
}

const DISCONNECT_TIMEOUT_MS = 400
