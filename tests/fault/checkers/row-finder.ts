import type { FinalMessage } from '../history.ts'
import type { SessionRun } from './run-index.ts'
import { acknowledgements, type SentMessage } from './sent-messages.ts'

/** Which rows of a session's log hold which messages that were sent. */
export class RowFinder {
  readonly #byId: ReadonlyMap<string, FinalMessage>
  readonly #byContent = new Map<string, FinalMessage[]>()
  readonly #owners = new Map<string, SentMessage>()

  constructor({ log, sent }: Pick<SessionRun, 'log' | 'sent'>) {
    this.#byId = new Map(log.map((row) => [row.id, row]))
    for (const row of log.filter(isUserText)) {
      const rows = this.#byContent.get(row.content)
      if (rows) rows.push(row)
      else this.#byContent.set(row.content, [row])
    }
    for (const message of sent) for (const value of message.values) this.#owners.set(value, message)
  }

  byId(id: string): FinalMessage | undefined {
    return this.#byId.get(id)
  }

  /** Every row that holds one of the message's bodies, in log order. */
  rowsOf({ values }: SentMessage): FinalMessage[] {
    const rows = [...values].flatMap((value) => this.#byContent.get(value) ?? [])
    return rows.sort((a, b) => a.seq - b.seq)
  }

  /** Also where the row's body is another than was sent: that is not a loss. */
  hasRow(message: SentMessage): boolean {
    const isThere = this.rowsOf(message).length > 0
    return isThere || acknowledgements(message).some(({ end }) => this.#byId.has(end.messageId))
  }

  /** Who sent the body of a row. */
  ownerOf({ content }: FinalMessage): SentMessage | undefined {
    return this.#owners.get(content)
  }
}

export function isUserText({ sender, kind }: FinalMessage): boolean {
  return sender === 'user' && kind === 'text'
}

export function isReply({ sender, kind }: FinalMessage): boolean {
  return sender === 'ai' && kind === 'text'
}

/** What wants an answer of the model: nothing that is said while a person has taken over. */
export function questionsOf(log: readonly FinalMessage[]): FinalMessage[] {
  let isAssisted = false
  return log.filter((row) => {
    if (row.event === 'takeover_started') isAssisted = true
    if (row.event === 'takeover_ended') isAssisted = false
    return !isAssisted && isUserText(row)
  })
}
