import type { Message } from '@chatbox/contract'
import type { FinalMessage } from '../history.ts'

/** Somebody who has one session on the screen, over one connection that comes back by itself. */
export interface Viewer {
  readonly name: string
  readonly kind: 'core' | 'bare'
  readonly sessionId: string
  isOnline(): boolean
  /** It is connected and knows of nothing that it missed meanwhile. */
  isAtRest(): boolean
  /** The end of the log that it shows. */
  lastSeq(): number
  /** Replies that it sees being written. */
  drafts(): string[]
  /** The log as it shows it. */
  shown(): FinalMessage[]
  close(): void
}

/** What a message says at the end of a run; the same fields whoever read it. */
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
