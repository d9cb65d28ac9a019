import { connect, createServer, type Socket } from 'node:net'
import { BSON, type Document } from 'mongodb'
import { listen, type Listening } from './ports.ts'

/** Answers a command instead of the server. `ask` asks the server itself. */
export type Answer = (ask: () => Promise<Document>) => Document | Promise<Document>

export interface MongoLink extends Listening {
  readonly uri: string
}

const OP_MSG = 2013
const HEADER_BYTES = 16
const BODY_AT = HEADER_BYTES + 4
/** The driver sends no checksum and asks for none. */
const NO_FLAGS = 0

/**
 * A proxy between the driver and a real server that speaks the protocol. `intercept` sees each
 * command and may answer it. If it returns undefined, the command passes unchanged.
 */
export async function startMongoLink(
  port: number,
  intercept: (command: Document) => Answer | undefined,
): Promise<MongoLink> {
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => other.destroy())
    }
    connectBoth(client, upstream, intercept)
  })
  const listening = await listen(server)
  return {
    ...listening,
    uri: `mongodb://127.0.0.1:${listening.port}/?directConnection=true`,
  }
}

function connectBoth(
  client: Socket,
  upstream: Socket,
  intercept: (command: Document) => Answer | undefined,
): void {
  const asked = new Map<number, (answer: Document) => void>()

  readFrames(client, (frame) => {
    const id = frame.readInt32LE(4)
    const answer = isMessage(frame) ? intercept(parseMessage(frame)) : undefined
    if (!answer) return void upstream.write(frame)
    const ask = () =>
      new Promise<Document>((resolve) => {
        asked.set(id, resolve)
        upstream.write(frame)
      })
    // If the answer fails, the connection ends, and the driver sees that.
    Promise.resolve(answer(ask)).then(
      (document) => client.write(toMessage(document, id)),
      () => client.destroy(),
    )
  })
  readFrames(upstream, (frame) => {
    const id = frame.readInt32LE(8)
    const resolve = asked.get(id)
    if (!resolve) return void client.write(frame)
    asked.delete(id)
    resolve(parseMessage(frame))
  })
}

function readFrames(socket: Socket, onFrame: (frame: Buffer) => void): void {
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= HEADER_BYTES && rest.length >= rest.readInt32LE(0)) {
      const length = rest.readInt32LE(0)
      onFrame(rest.subarray(0, length))
      rest = rest.subarray(length)
    }
  })
}

function isMessage(frame: Buffer): boolean {
  return frame.readInt32LE(12) === OP_MSG
}

/** Returns the command or answer, with the documents that are sent beside it under their name. */
function parseMessage(frame: Buffer): Document {
  const message: Document = {}
  for (let at = BODY_AT; at < frame.length;) {
    const kind = frame.readUInt8(at)
    const size = frame.readInt32LE(at + 1)
    const section = frame.subarray(at + 1, at + 1 + size)
    if (kind === 0) Object.assign(message, BSON.deserialize(section))
    else Object.assign(message, parseSequence(section))
    at += 1 + size
  }
  return message
}

function parseSequence(section: Buffer): Document {
  const nameEnd = section.indexOf(0, 4)
  const documents: Document[] = []
  for (let at = nameEnd + 1; at < section.length;) {
    const size = section.readInt32LE(at)
    documents.push(BSON.deserialize(section.subarray(at, at + size)))
    at += size
  }
  return { [section.toString('utf8', 4, nameEnd)]: documents }
}

function toMessage(document: Document, responseTo: number): Buffer {
  const body = BSON.serialize(document)
  const head = Buffer.alloc(BODY_AT + 1)
  head.writeInt32LE(head.length + body.length, 0)
  head.writeInt32LE(responseTo, 8)
  head.writeInt32LE(OP_MSG, 12)
  head.writeInt32LE(NO_FLAGS, HEADER_BYTES)
  return Buffer.concat([head, body])
}
