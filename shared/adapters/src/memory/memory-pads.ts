import type { ReplyDelta } from '@chatbox/contract'
import type { Draft } from '@chatbox/core'
import { PAD_LIMITS } from '../common/pad-limits.ts'

interface Pad {
  attempt: number
  next: number
  text: string
  bytes: number
  state: 'open' | 'full' | 'dropped'
  touchedAt: number
}

/** Drafts in memory, under the rules of the Redis scratchpad. */
export interface MemoryPads {
  /** False when a later attempt has begun, or this one's draft was dropped. */
  append(delta: ReplyDelta, textSoFar: () => string): boolean
  read(replyId: string): Draft | undefined
  drop(replyId: string): void
}

/** A pad that is written to moves to the end, so the one to go is always one that rests. */
const MAX_PADS = 500

export function createMemoryPads(now: () => number = Date.now): MemoryPads {
  /** In order of the last touch, so the oldest are at the front. */
  const pads = new Map<string, Pad>()

  function forgetOld(): void {
    const limit = now() - PAD_LIMITS.ttlMs
    for (const [replyId, pad] of pads) {
      if (pad.touchedAt > limit && pads.size <= MAX_PADS) break
      pads.delete(replyId)
    }
  }

  return {
    append(delta, textSoFar) {
      forgetOld()
      const { replyId, attempt, index } = delta
      const known = pads.get(replyId)
      if (known && (known.attempt > attempt || (known.attempt === attempt && isDropped(known)))) {
        return false
      }
      const pad: Pad =
        known?.attempt === attempt
          ? known
          : { attempt, next: 0, text: '', bytes: 0, state: 'open', touchedAt: 0 }
      pad.touchedAt = now()
      pads.delete(replyId)
      pads.set(replyId, pad)
      if (pad.state === 'open' && index >= pad.next) grow(pad, delta, textSoFar)
      return true
    },
    read(replyId) {
      forgetOld()
      const pad = pads.get(replyId)
      if (pad?.state !== 'open') return undefined
      return { attempt: pad.attempt, index: pad.next, text: pad.text }
    },
    drop(replyId) {
      const pad = pads.get(replyId)
      if (pad) Object.assign(pad, { state: 'dropped', text: '' } satisfies Partial<Pad>)
    },
  }
}

function isDropped(pad: Pad): boolean {
  return pad.state === 'dropped'
}

function grow(pad: Pad, delta: ReplyDelta, textSoFar: () => string): void {
  const isNext = delta.index === pad.next
  pad.text = isNext ? pad.text + delta.text : textSoFar()
  pad.bytes = isNext ? pad.bytes + Buffer.byteLength(delta.text) : Buffer.byteLength(pad.text)
  pad.next = delta.index + 1
  if (pad.bytes > PAD_LIMITS.bytes) {
    pad.state = 'full'
    pad.text = ''
  }
}
