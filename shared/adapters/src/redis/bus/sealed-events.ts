import type { BusEvent, ReplyDelta } from '@chatbox/contract'
import { parseBusEvent, type LATER_EVENT } from '../../common/live-events.ts'
import { toContext, type Cipher, type SealedFrames } from '../../sealed/key-ring.ts'

export type ChunkKind = 'delta' | 'snapshot'
export type ChunkPlace = Pick<ReplyDelta, 'sessionId' | 'replyId' | 'attempt'>
export interface Chunk {
  kind: ChunkKind
  index: number
  text: string
}

/** A broadcast's JSON, and the publisher that stood before it in the clear. */
export interface Opened {
  publisher: string
  json: string
}

const CHUNK = /^(delta|snapshot):(\d{1,9}):(.*)$/su
const DELTA = /^delta ([^ ]{1,64}) (\d{1,9}) (.+)$/su
const SPACE = 0x20
const MAX_PUBLISHER_BYTES = 64

/**
 * Seals what goes over Redis from process to process. Without a key of the ring nobody who reaches
 * Redis can read along, and nobody can put words into a session: what no process of this
 * installation has sealed does not open, and what it has sealed opens only in its own session.
 *
 * | Published   | Text                                     | Bound to                            |
 * | ----------- | ---------------------------------------- | ----------------------------------- |
 * | an event    | `event SEALED`                           | its session                         |
 * | a delta     | `delta REPLY ATTEMPT delta:INDEX:SEALED` | its session and all of these        |
 * | a stop      | `stop SEALED`                            |                                     |
 * | a broadcast | `PUBLISHER ` and a sealed frame, in bytes | publisher and rooms are inside      |
 *
 * A delta is published as the chunk of its draft, so it is sealed once for both. Nothing here
 * throws, except `openChunk`.
 */
export class SealedEvents {
  readonly #cipher: Cipher
  readonly #broadcasts: SealedFrames

  constructor(cipher: Cipher) {
    this.#cipher = cipher
    this.#broadcasts = cipher.frames(toContext('broadcast'))
  }

  sealEvent(sessionId: string, event: BusEvent): string {
    return `event ${this.#cipher.seal(JSON.stringify(event), toContext('event', sessionId))}`
  }

  /** Opens an event or a delta. Returns undefined for anything else. */
  openEvent(sessionId: string, text: string): BusEvent | typeof LATER_EVENT | undefined {
    if (text.startsWith('delta ')) return this.#openDelta(sessionId, text)
    const json = this.#openAfter('event ', text, toContext('event', sessionId))
    return json === undefined ? undefined : parseBusEvent(json, sessionId)
  }

  /** Returns `KIND:INDEX:SEALED`. Kind and index are bound, so chunks cannot be rearranged. */
  sealChunk(kind: ChunkKind, delta: ReplyDelta): string {
    const sealed = this.#cipher.seal(delta.text, chunkContext(kind, delta.index, delta))
    return `${kind}:${delta.index}:${sealed}`
  }

  /**
   * Returns undefined for a chunk of another kind, such as a later version's. Throws `SealError` for
   * one of another place.
   */
  openChunk(chunk: string, place: ChunkPlace): Chunk | undefined {
    const [, kind, digits, sealed] = CHUNK.exec(chunk) ?? []
    if (sealed === undefined || (kind !== 'delta' && kind !== 'snapshot')) return undefined
    const index = Number(digits)
    return { kind, index, text: this.#cipher.open(sealed, chunkContext(kind, index, place)) }
  }

  sealStop(replyId: string): string {
    return `stop ${this.#cipher.seal(replyId, toContext('stop'))}`
  }

  openStop(text: string): string | undefined {
    return this.#openAfter('stop ', text, toContext('stop'))
  }

  /** `opening` is the publisher with a space behind it, which must also stand in the JSON. */
  sealBroadcast(opening: Uint8Array, json: string): Buffer {
    return this.#broadcasts.seal(json, opening)
  }

  /** Opens a frame, or the text that earlier versions publish. */
  openBroadcast(bytes: Buffer): Opened | undefined {
    const length = bytes.indexOf(SPACE)
    if (length < 1 || length > MAX_PUBLISHER_BYTES) return undefined
    const publisher = bytes.toString('utf8', 0, length)
    const json = this.#broadcasts.isFrame(bytes, length + 1)
      ? this.#tryOpenFrame(bytes, length + 1)
      : this.#tryOpen(bytes.toString('utf8', length + 1), toContext('broadcast', publisher))
    return json === undefined ? undefined : { publisher, json }
  }

  /** Needs no check of its form: every part of it is sealed as the part that it is. */
  #openDelta(sessionId: string, text: string): BusEvent | undefined {
    const [, replyId, digits, chunk] = DELTA.exec(text) ?? []
    if (replyId === undefined || chunk === undefined) return undefined
    const place = { sessionId, replyId, attempt: Number(digits) }
    try {
      const opened = this.openChunk(chunk, place)
      if (opened?.kind !== 'delta') return undefined
      const { index, text: written } = opened
      return { event: 'reply:delta', payload: { ...place, index, text: written } }
    } catch {
      return undefined
    }
  }

  #openAfter(opening: string, text: string, context: string): string | undefined {
    return text.startsWith(opening) ? this.#tryOpen(text.slice(opening.length), context) : undefined
  }

  #tryOpenFrame(bytes: Buffer, from: number): string | undefined {
    try {
      return this.#broadcasts.open(bytes, from)
    } catch {
      return undefined
    }
  }

  #tryOpen(sealed: string, context: string): string | undefined {
    try {
      return this.#cipher.open(sealed, context)
    } catch {
      return undefined
    }
  }
}

/** What stands before a delta's chunk where it is published. */
export function toDeltaOpening({ replyId, attempt }: ChunkPlace): string {
  return `delta ${replyId} ${attempt} `
}

function chunkContext(kind: ChunkKind, index: number, place: ChunkPlace): string {
  const { sessionId, replyId, attempt } = place
  return toContext(`draft-${kind}`, sessionId, replyId, String(attempt), String(index))
}
