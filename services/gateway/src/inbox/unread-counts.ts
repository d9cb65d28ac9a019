import { isConcerned, type Inbox, type InboxEntry, type ReadMark } from '@chatbox/core'

/** The marks of one operator that are kept, the latest ones. */
export const MAX_MARKS = 2000

/**
 * What the operators of a gateway have read. A message of the user counts as unread by an operator
 * who has the session, is assigned to it, or has read in it as one of these.
 */
export class UnreadCounts {
  readonly #inbox: Pick<Inbox, 'listReadMarks'>
  /** By operator and session. */
  readonly #marks = new Map<string, Map<string, ReadMark>>()

  constructor(inbox: Pick<Inbox, 'listReadMarks'>) {
    this.#inbox = inbox
  }

  /** Knows the operator's marks from now on. */
  async load(operatorId: string): Promise<void> {
    if (this.#marks.has(operatorId)) return
    const listed = await this.#inbox.listReadMarks(operatorId, MAX_MARKS)
    // Another tab may have been faster, and marks may have moved since.
    if (!this.#marks.has(operatorId)) this.#marks.set(operatorId, new Map())
    this.take(listed.reverse())
  }

  forget(operatorId: string): void {
    this.#marks.delete(operatorId)
  }

  /** Returns the sessions whose marks have moved. Ignores operators who are not here. */
  take(marks: readonly ReadMark[]): string[] {
    return marks.flatMap((mark) => {
      const own = this.#marks.get(mark.operatorId)
      if (!own || (own.get(mark.sessionId)?.seq ?? -1) >= mark.seq) return []
      own.delete(mark.sessionId)
      own.set(mark.sessionId, mark)
      const [oldest] = own.keys()
      if (own.size > MAX_MARKS && oldest !== undefined) own.delete(oldest)
      return [mark.sessionId]
    })
  }

  of(operatorId: string, entry: InboxEntry): number {
    const mark = this.#marks.get(operatorId)?.get(entry.session.id)
    if (!mark && !isConcerned(operatorId, entry)) return 0
    return Math.max(0, entry.userTexts - (mark?.userTexts ?? 0))
  }
}
