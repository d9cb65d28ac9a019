import type { ReplyDelta } from '@chatbox/contract'
import { DRAFT_LIMITS, type Draft, type DraftPlace } from '@chatbox/core'

interface MemoryDraft extends Draft {
  bytes: number
  state: 'open' | 'full' | 'dropped'
  touchedAt: number
}

/** Each write moves a draft to the end, so the oldest one is always idle. */
export const MAX_DRAFTS = 500

/** Drafts in memory, with the same rules as in Redis. */
export class MemoryDrafts {
  readonly #now: () => number
  /** Drafts by reply, the least recently used first. */
  readonly #drafts = new Map<string, MemoryDraft>()

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Returns false if a later attempt has begun or this one's draft was dropped. */
  append(delta: ReplyDelta, textSoFar: () => string): boolean {
    this.#forgetOld()
    const { replyId, attempt, index } = delta
    const known = this.#drafts.get(replyId)
    if (known && isFenced(known, attempt)) return false
    const draft = known?.attempt === attempt ? known : newDraft(attempt)
    draft.touchedAt = this.#now()
    this.#drafts.delete(replyId)
    this.#drafts.set(replyId, draft)
    if (draft.state === 'open' && index >= draft.index) grow(draft, delta, textSoFar)
    return true
  }

  read(replyId: string): Draft | undefined {
    this.#forgetOld()
    const draft = this.#drafts.get(replyId)
    if (draft?.state !== 'open') return undefined
    return { attempt: draft.attempt, index: draft.index, text: draft.text }
  }

  /** Ends the draft of this attempt and of earlier ones, and returns what it was. */
  take({ replyId, attempt }: DraftPlace): Draft | undefined {
    const draft = this.read(replyId)
    if ((this.#drafts.get(replyId)?.attempt ?? 0) > attempt) return undefined
    this.#drafts.delete(replyId)
    const dropped = { ...newDraft(attempt), state: 'dropped', touchedAt: this.#now() } as const
    this.#drafts.set(replyId, dropped)
    return draft
  }

  #forgetOld(): void {
    const limit = this.#now() - DRAFT_LIMITS.ttlMs
    for (const [replyId, draft] of this.#drafts) {
      if (draft.touchedAt > limit && this.#drafts.size <= MAX_DRAFTS) break
      this.#drafts.delete(replyId)
    }
  }
}

function newDraft(attempt: number): MemoryDraft {
  return { attempt, index: 0, text: '', bytes: 0, state: 'open', touchedAt: 0 }
}

function isFenced(draft: MemoryDraft, attempt: number): boolean {
  return draft.attempt > attempt || (draft.attempt === attempt && draft.state === 'dropped')
}

function grow(draft: MemoryDraft, delta: ReplyDelta, textSoFar: () => string): void {
  const isNext = delta.index === draft.index
  draft.text = isNext ? draft.text + delta.text : textSoFar()
  draft.bytes = isNext ? draft.bytes + Buffer.byteLength(delta.text) : Buffer.byteLength(draft.text)
  draft.index = delta.index + 1
  if (draft.bytes > DRAFT_LIMITS.bytes) {
    draft.state = 'full'
    draft.text = ''
  }
}
