import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface ReadCounter {
  /** As the store's own, but through the counter. */
  uri: string
  /** Reading commands since the start. */
  count(): number
  close(): void
}

const HEADER_BYTES = 16
const OP_MSG = 2013
/** Header, flag bits, the kind of the first section, the document's length, its first field's type. */
const NAME_OFFSET = HEADER_BYTES + 4 + 1 + 4 + 1
const READS = new Set(['find', 'aggregate', 'count', 'distinct', 'getMore'])

/** Counts what gateways read, on the wire between them and the store: nobody's own word is taken. */
export async function openReadCounter(storeUri: string): Promise<ReadCounter> {
  const store = new URL(storeUri)
  const sockets = new Set<Socket>()
  let reads = 0
  const server = createServer((client) => {
    const upstream = connect(Number(store.port), store.hostname)
    const count = createCommandReader((name) => {
      if (READS.has(name)) reads += 1
    })
    client.on('data', count)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.setNoDelay(true)
      from.on('error', () => to.destroy())
      from.pipe(to)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const uri = new URL(storeUri)
  uri.port = String((server.address() as AddressInfo).port)
  return {
    uri: uri.href,
    count: () => reads,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Tells the first field of each message's document, which is the name of the command. */
function createCommandReader(onCommand: (name: string) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4) {
      const length = rest.readInt32LE(0)
      if (rest.length < length) return
      const message = rest.subarray(0, length)
      rest = rest.subarray(length)
      if (message.readInt32LE(12) !== OP_MSG) continue
      onCommand(message.toString('latin1', NAME_OFFSET, message.indexOf(0, NAME_OFFSET)))
    }
  }
}
