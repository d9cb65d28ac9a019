import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import type { RouteMediaType, RouteQuery, Session, User } from '@chatbox/contract'
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

/** Creates a file of the whole log. Only one page of the log is in memory at a time. */
export function toTranscript(
  context: Context,
  wanted: Wanted,
): Download<RouteMediaType<'downloadTranscript'>> {
  const { session, format } = wanted
  const layout = LAYOUTS[format]
  return new Download({
    name: `session-${session.startedAt.slice(0, 10)}-${session.id}.${format}`,
    mediaType: layout.mediaType,
    read: (signal) => readPieces(context, { ...wanted, layout }, signal),
  })
}

interface Reading extends Wanted {
  layout: Layout
}

/** If the rest cannot be read, the file still ends as its format asks for, and says so. */
async function* readPieces(
  context: Context,
  reading: Reading,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const { layout, session } = reading
  yield layout.begin(session)
  try {
    yield* readEntries(context, reading, signal)
  } catch (error) {
    yield layout.brokenOff
    throw error
  }
  yield layout.end
}

/** A caller who has used up the points of reads waits for new ones. */
async function* readEntries(
  { messages, guard }: Context,
  { who, session, layout }: Reading,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  let afterSeq = 0
  let hasMore = true
  while (hasMore) {
    const page = await messages.read(session.id, { ...TRANSCRIPT_PAGE, afterSeq })
    for (const message of page.messages) {
      yield (message.seq === 1 ? '' : layout.between) + layout.entry(message)
      afterSeq = message.seq
    }
    const waitMs = await guard.chargeRead(who.id, toReadWork(page), 0)
    hasMore = page.hasMore && page.messages.length > 0
    if (hasMore && waitMs > 0) await sleep(waitMs, undefined, { signal })
    // A store in the process and a fast reader would let nothing else run before the end.
    await setImmediate()
  }
}
