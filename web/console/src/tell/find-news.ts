import type { InboxRow } from '@chatbox/contract'

/** Why an operator is told of a chat. */
export type News = 'help' | 'message'

interface Known {
  /** When a person was last asked for; 0 for never. */
  helpMs: number
  unread: number
}

/** The chats whose state is remembered; of one that is forgotten an operator may be told twice. */
const MAX_KNOWN = 20_000

/** Finds what is new in rows that have changed. What was there when the page began is no news. */
export class NewsFinder {
  readonly #known = new Map<string, Known>()
  readonly #max: number
  /** By the server's clock, as the rows are. */
  readonly #beganAt: number

  constructor(beganAt: Date, max = MAX_KNOWN) {
    this.#beganAt = beganAt.getTime()
    this.#max = max
  }

  /** Notes rows that may have been there for long, which are no news. */
  note(rows: readonly InboxRow[]): void {
    for (const row of rows) this.#remember(row)
  }

  find(rows: readonly InboxRow[]): { row: InboxRow; news: News }[] {
    return rows.flatMap((row) => {
      const news = this.#judge(row, this.#remember(row))
      return news ? [{ row, news }] : []
    })
  }

  #judge({ session, views, unread }: InboxRow, before: Known | undefined): News | undefined {
    const isAskedAnew = toMs(session.help?.requestedAt) > (before?.helpMs ?? this.#beganAt)
    if (isAskedAnew && views.includes('help')) return 'help'
    const isMore = unread > (before?.unread ?? 0)
    return isMore && views.includes('mine') ? 'message' : undefined
  }

  #remember(row: InboxRow): Known | undefined {
    const { id, help } = row.session
    const before = this.#known.get(id)
    this.#known.delete(id)
    this.#known.set(id, {
      helpMs: toMs(help?.requestedAt) || (before?.helpMs ?? 0),
      unread: row.unread,
    })
    const [oldest] = this.#known.keys()
    if (this.#known.size > this.#max && oldest !== undefined) this.#known.delete(oldest)
    return before
  }
}

function toMs(time: string | undefined): number {
  return time === undefined ? 0 : Date.parse(time)
}
