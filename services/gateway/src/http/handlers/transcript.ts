import { setTimeout as sleep } from 'node:timers/promises'
import type { RouteMediaType, RouteQuery, Session, User } from '@chatbox/contract'
import { isOperator } from '@chatbox/core'
import type { Context } from '../../context.ts'
import { toReadWork } from '../../usecases/session/read-session.ts'
import { Download } from '../download.ts'
import { LAYOUTS, type Layout } from './transcript-layouts.ts'

interface Wanted {
  who: User
  session: Session
  format: NonNullable<RouteQuery<'downloadTranscript'>['format']>
}

/**
 * The part of a log that is in memory at a time, and that is read in one turn of the event loop. A
 * single entry may be longer.
 */
export const TRANSCRIPT_PAGE = { limit: 50, maxLength: 50_000 }
/** The store fetches as many entries as it is asked for, and nobody knows yet how long they are. */
const FIRST_LIMIT = 8

/** Creates the file of a session's whole log. */
export type CreateTranscript = (wanted: Wanted) => Download<RouteMediaType<'downloadTranscript'>>

/** Transcripts of one gateway. All of them together read one page at a time. */
export function createTranscripts(context: Context): CreateTranscript {
  const reading: Reading = { ...context, turns: new Turns() }
  return (asked) => {
    const { who, format } = asked
    const session = isOperator(who) ? asked.session : context.hideOperators.session(asked.session)
    const wanted = { ...asked, session }
    const layout = LAYOUTS[format]
    return new Download({
      name: `session-${session.startedAt.slice(0, 10)}-${session.id}.${format}`,
      mediaType: layout.mediaType,
      read: (signal) => readPieces(reading, { ...wanted, layout }, signal),
    })
  }
}

/** How long nothing is read after a page, as a multiple of the time that the page took. */
const REST = 4

/**
 * Runs one task after another, and takes a fifth of the time at most, so that those who chat notice
 * nothing of many long downloads. The first page, which is often the whole log, waits for nothing
 * but the page before.
 */
class Turns {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(task: () => Promise<T>): Promise<T> {
    const startedAt = this.#last.then(() => performance.now())
    const result = startedAt.then(task)
    const rest = async (): Promise<void> => sleep(REST * (performance.now() - (await startedAt)))
    this.#last = result.catch(() => undefined).then(rest)
    return result
  }
}

interface Reading extends Context {
  turns: Turns
}

interface Laid extends Wanted {
  layout: Layout
}

/** If the rest cannot be read, the file still ends as its format asks for, and says so. */
async function* readPieces(
  reading: Reading,
  laid: Laid,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const { layout, session } = laid
  yield layout.begin(session)
  try {
    yield* readEntries(reading, laid, signal)
  } catch (error) {
    yield layout.brokenOff
    throw error
  }
  yield layout.end
}

/** A caller who has used up the points of transcripts waits for new ones. */
async function* readEntries(
  { messages, guard, turns, hideOperators }: Reading,
  { who, session, layout }: Laid,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  let afterSeq = 0
  let limit = FIRST_LIMIT
  let hasMore = true
  while (hasMore) {
    signal.throwIfAborted()
    const range = { ...TRANSCRIPT_PAGE, afterSeq, limit }
    const page = await turns.run(() => messages.read(session.id, range))
    for (const message of page.messages) {
      const shown = isOperator(who) ? message : hideOperators.message(message)
      yield (message.seq === 1 ? '' : layout.between) + layout.entry(shown)
      afterSeq = message.seq
    }
    hasMore = page.hasMore && page.messages.length > 0
    limit = toNextLimit(page.messages.length, limit)
    const waitMs = await guard.chargeTranscript(who.id, toReadWork(page))
    if (hasMore && waitMs > 0) await sleep(waitMs, undefined, { signal })
  }
}

/** Asks for few entries where they are long, and for more where they are short. */
function toNextLimit(read: number, limit: number): number {
  return read < limit ? read + 1 : Math.min(2 * limit, TRANSCRIPT_PAGE.limit)
}
