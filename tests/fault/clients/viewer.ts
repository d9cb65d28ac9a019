import type { Message } from '@chatbox/contract'
import type { FinalMessage, Recorder } from '../history.ts'

/** A user with one session on the screen, over a connection that reconnects by itself. */
export interface Viewer {
  readonly name: string
  readonly sessionId: string
  isOnline(): boolean
  /** Returns true if it is connected and knows of nothing that it missed. */
  isAtRest(): boolean
  /** The last seq of the shown log. */
  lastSeq(): number
  /** The shown log. */
  shown(): FinalMessage[]
  close(): void
}

/** The final fields of a message, the same for every reader. */
export function toFinalMessage(message: Omit<Message, 'sessionId' | 'attachments'>): FinalMessage {
  const { seq, id, clientMessageId, replyTo, kind, sender, status, content, event } = message
  return {
    seq,
    id,
    ...(clientMessageId === undefined ? {} : { clientMessageId }),
    ...(replyTo === undefined ? {} : { replyTo }),
    kind,
    sender: sender.type,
    status,
    content,
    ...(event === undefined ? {} : { event: event.type }),
  }
}

interface Row {
  attempt: number
  from: number
  /** The last frame. It is below `from` if there is only the text before it. */
  to: number
  since: number
  until: number
  joined: boolean
  text: string
}

interface SeenDraft {
  replyId: string
  attempt: number
  /** The index of the next frame. */
  index: number
  text: string
}

/** Records what one viewer shows, in the terms of the history. */
export class Sightings {
  readonly #recorder: Recorder
  readonly #process: string
  readonly #rows = new Map<string, Row>()
  sessionId = ''

  constructor(recorder: Recorder, process: string) {
    this.#recorder = recorder
    this.#process = process
  }

  onEntries(entries: readonly { seq: number; id: string }[]): void {
    if (entries.length === 0) return
    this.#recorder.record({
      op: 'seen',
      process: this.#process,
      sessionId: this.sessionId,
      entries: entries.map(({ seq, id }): [number, string] => [seq, id]),
    })
  }

  onDraft({ replyId, attempt, index, text }: SeenDraft): void {
    const row = this.#rows.get(replyId)
    const now = this.#recorder.now()
    if (row?.attempt === attempt && index > row.to) {
      if (index - 1 > row.to) Object.assign(row, { to: index - 1, until: now, text })
      return
    }
    if (row) this.#flush(replyId, row)
    // Attempt 0 is a question that no worker has claimed.
    if (attempt === 0) return
    const joined = index > 1
    const from = joined ? index : 0
    this.#rows.set(replyId, {
      attempt,
      from,
      to: index - 1,
      since: now,
      until: now,
      joined,
      text,
    })
  }

  /** The viewer no longer shows this draft. */
  endDraft(replyId: string): void {
    const row = this.#rows.get(replyId)
    if (row) this.#flush(replyId, row)
  }

  shownDrafts(): string[] {
    return [...this.#rows.keys()]
  }

  onConnection(phase: 'lost' | 'ready' | 'caught-up', gateway: number, missed?: number): void {
    this.#recorder.record({
      op: 'viewer',
      phase,
      process: this.#process,
      gateway,
      ...(missed === undefined ? {} : { missed }),
    })
  }

  #flush(replyId: string, row: Row): void {
    this.#rows.delete(replyId)
    const { attempt, from, to, since, until, text } = row
    // The draft was announced, but no text came.
    if (to < from && !row.joined) return
    this.#recorder.record({
      op: 'draft',
      process: this.#process,
      sessionId: this.sessionId,
      at: until,
      since,
      replyId,
      attempt,
      from,
      to,
      text,
      ...(row.joined ? { joined: true } : {}),
    })
  }
}
