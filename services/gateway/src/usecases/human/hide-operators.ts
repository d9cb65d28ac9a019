import type { Message, Person, ServerPayload, Session, SessionEvent } from '@chatbox/contract'

type Typing = ServerPayload<'typing'>
type Receipt = ServerPayload<'message:receipt'>

/**
 * What others than operators see in the place of an operator's id. Each returns the very object
 * where no operator is named, which is nearly always.
 */
export interface HideOperators {
  session(session: Session): Session
  message(message: Message): Message
  typing(typing: Typing): Typing
  receipt(receipt: Receipt): Receipt
  /** Hides those in the sessions and messages of an answer. */
  answer<T>(data: T): T
}

/** An installation has fewer operators than this. Beyond it, digests are made again. */
const MAX_KNOWN = 1000

/**
 * The id of an operator is often a login or an address of mail. A user learns a keyed digest of it
 * instead, always the same one, which leads to nobody, and the name. It differs from the mark that
 * a session's id gets from its user.
 */
export function createHideOperators({
  pseudonym,
}: {
  pseudonym: (name: string) => string
}): HideOperators {
  const known = new Map<string, string>()

  function toDigest(id: string): string {
    const found = known.get(id)
    if (found !== undefined) return found
    if (known.size >= MAX_KNOWN) known.clear()
    const digest = pseudonym(JSON.stringify(['operator', id]))
    known.set(id, digest)
    return digest
  }
  const hide = <P extends Pick<Person, 'id'>>(person: P): P => ({
    ...person,
    id: toDigest(person.id),
  })

  function hideInEvent(event: SessionEvent): SessionEvent {
    if (event.type === 'takeover_ended') return { ...event, by: hide(event.by) }
    if (event.type !== 'takeover_started') return event
    const { from: _from, ...started } = event
    return { ...started, by: hide(event.by) }
  }

  /** Only operators take over and hand back. */
  function hideInMessage(message: Message): Message {
    const { sender, event } = message
    if (sender.type !== 'admin') return message
    return {
      ...message,
      sender: hide(sender),
      ...(event && { event: hideInEvent(event) }),
    }
  }

  function hideInSession(session: Session): Session {
    const { assistedBy } = session
    return assistedBy ? { ...session, assistedBy: hide(assistedBy) } : session
  }

  const hideInValue = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(hideInValue)
    if (isSession(value)) return hideInSession(value)
    return isMessage(value) ? hideInMessage(value) : value
  }

  return {
    session: hideInSession,
    message: hideInMessage,
    typing: (typing) =>
      typing.from.type === 'admin' ? { ...typing, from: hide(typing.from) } : typing,
    receipt: (receipt) =>
      receipt.reader.type === 'admin' ? { ...receipt, reader: hide(receipt.reader) } : receipt,
    answer<T>(data: T): T {
      if (!isRecord(data)) return data
      const hidden = Object.entries(data).map(([name, value]) => [name, hideInValue(value)])
      return Object.fromEntries(hidden) as T
    },
  }
}

function isSession(value: unknown): value is Session {
  return isRecord(value) && 'assistedBy' in value
}

function isMessage(value: unknown): value is Message {
  return isRecord(value) && 'sender' in value && 'seq' in value
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
