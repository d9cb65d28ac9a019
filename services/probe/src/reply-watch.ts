import type { Message, ReplyDelta, ReplyStart } from '@chatbox/contract'

/** Pieces of a reply that are kept to compare with it. A reply of more is compared as far as they go. */
const MAX_PIECES = 10_000

/** What has been seen of one reply while it was written. */
export interface Draft {
  replyId: string
  /** Of the highest attempt, which replaces what the ones before it wrote. */
  attempt: number
  /** Frames by their index. */
  pieces: Map<number, string>
  /** On the clock of `performance.now()`. */
  lastAt: number
}

/** Remembers what a socket tells of the replies in one session. */
export class ReplyWatch {
  readonly #drafts = new Map<string, Draft>()
  /** Reply ids by their question. */
  readonly #replies = new Map<string, string>()
  readonly #finished = new Map<string, Message>()
  readonly #ended = new Set<string>()

  onStart({ replyId, replyTo, attempt }: ReplyStart): void {
    this.#replies.set(replyTo, replyId)
    this.#draftOf(replyId, attempt)
  }

  onDelta({ replyId, attempt, index, text }: ReplyDelta): void {
    const draft = this.#draftOf(replyId, attempt)
    if (attempt === draft.attempt && draft.pieces.size < MAX_PIECES) draft.pieces.set(index, text)
  }

  onMessage(message: Message): void {
    if (message.event?.type === 'session_ended') this.#ended.add(message.sessionId)
    if (message.replyTo === undefined) return
    this.#replies.set(message.replyTo, message.id)
    this.#finished.set(message.replyTo, message)
  }

  /** The entry of the log that answers the question, once it has come. */
  answerTo(questionId: string): Message | undefined {
    return this.#finished.get(questionId)
  }

  /** True once somebody has ended the session: nothing more is answered in it. */
  hasEnded(sessionId: string): boolean {
    return this.#ended.has(sessionId)
  }

  draftFor(questionId: string): Draft | undefined {
    return this.#drafts.get(this.#replies.get(questionId) ?? '')
  }

  #draftOf(replyId: string, attempt: number): Draft {
    const known = this.#drafts.get(replyId)
    const draft =
      known && known.attempt >= attempt
        ? known
        : { replyId, attempt, pieces: new Map<number, string>(), lastAt: 0 }
    draft.lastAt = performance.now()
    this.#drafts.set(replyId, draft)
    return draft
  }
}

/** The text of the frames from the first one on, up to the first that is missing. */
export function textOf({ pieces }: Draft): string {
  let text = ''
  for (let index = 0; pieces.has(index); index++) text += pieces.get(index) ?? ''
  return text
}
