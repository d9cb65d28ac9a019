import { toFinalMessage } from './viewer.ts'
import type { FinalMessage } from '../history.ts'

type RawMessage = Parameters<typeof toFinalMessage>[0]

export interface RawReply {
  replyId: string
  attempt: number
  index: number
  text: string
}

/** The part of the `session:open` answer that matters here. */
export interface RawPage {
  session: { id: string; lastSeq: number }
  messages: RawMessage[]
  hasMore: boolean
  reply: RawReply | null
}

/**
 * A log with the simplest reading of the protocol: it places entries only by `seq`, and drafts only
 * by attempt and index.
 */
export class BareLog {
  readonly entries: FinalMessage[] = []
  readonly drafts = new Map<string, RawReply>()
  readonly #early = new Map<number, FinalMessage>()
  #head = 0
  #hasHole = false

  get lastSeq(): number {
    return this.entries.length
  }

  isBehind(): boolean {
    return this.#head > this.lastSeq || this.#hasHole
  }

  raiseHead(seq: number): void {
    this.#head = Math.max(this.#head, seq)
  }

  /** Returns the entries that could be placed, in order. */
  addMessage(message: RawMessage): FinalMessage[] {
    this.raiseHead(message.seq)
    if (message.seq <= this.lastSeq) return []
    this.#early.set(message.seq, toFinalMessage(message))
    const placed: FinalMessage[] = []
    for (;;) {
      const next = this.#early.get(this.lastSeq + 1)
      if (!next) return placed
      this.#early.delete(next.seq)
      this.entries.push(next)
      this.drafts.delete(next.id)
      placed.push(next)
    }
  }

  startReply({ replyId, attempt }: Pick<RawReply, 'replyId' | 'attempt'>): RawReply | undefined {
    const known = this.drafts.get(replyId)
    if (this.#isDone(replyId) || (known && known.attempt >= attempt)) return undefined
    return this.#setDraft({ replyId, attempt, index: 0, text: '' })
  }

  /** Returns the draft if the frame could be placed. */
  addDelta({ replyId, attempt, index, text }: RawReply): RawReply | undefined {
    if (this.#isDone(replyId)) return undefined
    const known = this.drafts.get(replyId)
    if (known && attempt < known.attempt) return undefined
    const draft = known?.attempt === attempt ? known : { replyId, attempt, index: 0, text: '' }
    if (index < draft.index) return undefined
    if (index > draft.index) {
      this.#hasHole = true
      return undefined
    }
    return this.#setDraft({ replyId, attempt, index: index + 1, text: draft.text + text })
  }

  /**
   * Applies a page after `lastSeq` that was requested when the log ended there and had these
   * drafts.
   */
  addPage(
    page: RawPage,
    before: ReadonlySet<string>,
  ): { placed: FinalMessage[]; draft: RawReply | undefined } {
    this.#hasHole = false
    const placed = page.messages.flatMap((message) => this.addMessage(message))
    this.raiseHead(page.session.lastSeq)
    return { placed, draft: page.hasMore ? undefined : this.#join(page.reply, before) }
  }

  #join(reply: RawReply | null, before: ReadonlySet<string>): RawReply | undefined {
    for (const replyId of before) {
      if (replyId !== reply?.replyId) this.drafts.delete(replyId)
    }
    if (!reply || reply.attempt === 0 || this.#isDone(reply.replyId)) return undefined
    if (isAtLeast(this.drafts.get(reply.replyId), reply)) return undefined
    const { replyId, attempt, index, text } = reply
    return this.#setDraft({ replyId, attempt, index, text })
  }

  #setDraft(draft: RawReply): RawReply {
    this.drafts.set(draft.replyId, draft)
    return draft
  }

  #isDone(replyId: string): boolean {
    return this.entries.slice(-50).some(({ id }) => id === replyId)
  }
}

function isAtLeast(known: RawReply | undefined, reply: RawReply): boolean {
  if (!known) return false
  if (known.attempt !== reply.attempt) return known.attempt > reply.attempt
  return known.index >= reply.index
}
