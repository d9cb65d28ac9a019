import type { ActiveReply, ReplyDelta, ReplyStart } from '@chatbox/contract'

interface Frame {
  index: number
  text: string
}

/**
 * The text of a reply that is being written, as far as it is known here: frames 0 to `index - 1` of
 * `attempt`. Attempt 0 is a reply that waits for a worker.
 */
export interface Draft {
  replyId: string
  /** Empty while only deltas have been seen, so nobody said yet which question they answer. */
  replyTo: string
  modelId: string
  attempt: number
  index: number
  text: string
  /** Frames that came too early, by index. They wait for the ones before them. */
  ahead: readonly Frame[]
  /** How often the missing frames of this attempt were asked for. */
  asks: number
}

const MAX_AHEAD = 512
/** After these the final message is waited for: it carries the whole text. */
const MAX_ASKS = 3

export function toDraft(reply: ActiveReply | ReplyStart): Draft {
  const { replyId, replyTo, modelId, attempt } = reply
  const known = 'index' in reply ? { index: reply.index, text: reply.text } : { index: 0, text: '' }
  return { replyId, replyTo, modelId, attempt, ...known, ahead: [], asks: 0 }
}

/** A draft of which only one delta is known. */
export function toUnknownDraft(delta: ReplyDelta): Draft {
  const { replyId, attempt } = delta
  return { replyId, replyTo: '', modelId: '', attempt, index: 0, text: '', ahead: [], asks: 0 }
}

/** The draft after `reply:start`: a higher attempt replaces the text of a lower one. */
export function startAttempt(draft: Draft, start: ReplyStart): Draft {
  if (start.attempt < draft.attempt) return draft
  if (start.attempt > draft.attempt) return toDraft(start)
  return { ...draft, replyTo: start.replyTo, modelId: start.modelId }
}

/** The draft after one delta, with those that waited for it. */
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

/** The draft after the server told how far the reply is. */
export function joinReply(draft: Draft, reply: ActiveReply): Draft {
  if (reply.attempt < draft.attempt) return draft
  const sameAttempt = reply.attempt === draft.attempt
  const named = { ...draft, replyTo: reply.replyTo, modelId: reply.modelId }
  if (sameAttempt && reply.index <= draft.index) return named
  const joined = toDraft(reply)
  return sameAttempt ? takeAhead({ ...joined, ahead: draft.ahead, asks: draft.asks }) : joined
}

/** True where something before the waiting frames is missing and may still be asked for. */
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
