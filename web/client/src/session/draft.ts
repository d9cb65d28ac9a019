import type { ActiveReply, ReplyDelta, ReplyStart } from '@chatbox/contract'

interface Frame {
  index: number
  text: string
}

/**
 * The known part of a reply that is being written: frames 0 to `index - 1` of `attempt`. A reply
 * with attempt 0 waits for a worker.
 */
export interface Draft {
  replyId: string
  /** Empty while only deltas have arrived, which do not name their question. */
  replyTo: string
  modelId: string
  attempt: number
  index: number
  text: string
  /** Early frames by index. They wait for the missing ones before them. */
  ahead: readonly Frame[]
  /** How often missing frames of this attempt were requested. */
  asks: number
}

const MAX_AHEAD = 512
/** After this many requests the draft waits for the final message, which has the whole text. */
export const MAX_ASKS = 3

export function toDraft(reply: ActiveReply | ReplyStart): Draft {
  const { replyId, replyTo, modelId, attempt } = reply
  const known = 'index' in reply ? { index: reply.index, text: reply.text } : { index: 0, text: '' }
  return { replyId, replyTo, modelId, attempt, ...known, ahead: [], asks: 0 }
}

export function toUnknownDraft(delta: ReplyDelta): Draft {
  const { replyId, attempt } = delta
  return { replyId, replyTo: '', modelId: '', attempt, index: 0, text: '', ahead: [], asks: 0 }
}

/** Applies `reply:start`. A higher attempt replaces the text of a lower one. */
export function startAttempt(draft: Draft, start: ReplyStart): Draft {
  if (start.attempt < draft.attempt) return draft
  if (start.attempt > draft.attempt) return toDraft(start)
  return { ...draft, replyTo: start.replyTo, modelId: start.modelId }
}

/** Applies a delta, and the early frames that follow it. */
export function addDelta(draft: Draft, delta: ReplyDelta): Draft {
  if (delta.attempt < draft.attempt) return draft
  const { attempt, index, text } = delta
  if (attempt > draft.attempt) {
    return addDelta({ ...draft, attempt, index: 0, text: '', ahead: [], asks: 0 }, delta)
  }
  if (index < draft.index) return draft
  if (index === draft.index) {
    return takeAhead({ ...draft, index: index + 1, text: draft.text + text })
  }
  return { ...draft, ahead: insertFrame(draft.ahead, { index, text }) }
}

/** Applies the server's state of the reply. */
export function joinReply(draft: Draft, reply: ActiveReply): Draft {
  if (reply.attempt < draft.attempt) return draft
  const sameAttempt = reply.attempt === draft.attempt
  const named = { ...draft, replyTo: reply.replyTo, modelId: reply.modelId }
  if (sameAttempt && reply.index <= draft.index) return named
  const joined = toDraft(reply)
  return sameAttempt ? takeAhead({ ...joined, ahead: draft.ahead, asks: draft.asks }) : joined
}

/** Returns true if frames or the question are missing and may still be requested. */
export function wantsCatchUp(draft: Draft): boolean {
  return draft.asks < MAX_ASKS && (draft.ahead.length > 0 || draft.replyTo === '')
}

function takeAhead(draft: Draft): Draft {
  let { index, text } = draft
  let taken = 0
  for (const frame of draft.ahead) {
    if (frame.index > index) break
    taken += 1
    if (frame.index < index) continue
    text += frame.text
    index += 1
  }
  return { ...draft, index, text, ahead: draft.ahead.slice(taken) }
}

function insertFrame(frames: readonly Frame[], frame: Frame): readonly Frame[] {
  if (frames.some(({ index }) => index === frame.index)) return frames
  return [...frames, frame].sort((a, b) => a.index - b.index).slice(0, MAX_AHEAD)
}
