import {
  LIMITS,
  type ClientData,
  type ClientPayload,
  type RouteAnswer,
  type RouteQuery,
  type User,
} from '@chatbox/contract'
import { AppError, ORDER_KEY, toListCursor, type InboxEntry, type InboxList } from '@chatbox/core'
import type { Context } from '../../context.ts'

/** The sessions that one call looks at for those that it asks for. */
export const MAX_LOOKED_AT = { inMemory: 5000, inStore: 400 }
const STORE_PAGE = 100

type Accept = (entry: InboxEntry) => boolean
interface Found {
  entries: InboxEntry[]
  next: string | null
}

/** Lists a view. Those of active sessions come from memory. */
export async function listInbox(
  context: Context,
  { id }: User,
  input: ClientPayload<'inbox:list'>,
): Promise<ClientData<'inbox:list'>> {
  const { inboxHub } = context
  const { view, after, limit = LIMITS.historyPageDefault } = input
  const [feed] = await Promise.all([inboxHub.open(), inboxHub.unread.load(id)])
  const accept = toAccept(input)
  let found: Found
  if (view === 'ended') {
    const list = { status: 'ended', sort: 'lastActivityAt', order: 'desc', after, limit } as const
    found = await findInStore(context, id, { list, accept })
  } else {
    if (after !== undefined && !ORDER_KEY.test(after)) {
      throw new AppError('INVALID_FORMAT', 'Field "after": was not issued for this list.')
    }
    found = findInMemory(feed.rows.walk(view, id, after), accept, limit)
  }
  return {
    rows: found.entries.map((entry) => inboxHub.toRow(id, entry)),
    next: found.next,
    counts: inboxHub.counts(id, feed),
  }
}

/** Lists the sessions of all users from the store. */
export async function listAllSessions(
  context: Context,
  { id }: User,
  { q, tag, help, assisted, limit, sort, order, status, ...query }: RouteQuery<'listAllSessions'>,
): Promise<RouteAnswer<'listAllSessions'>> {
  await context.inboxHub.unread.load(id)
  const isAccepted = toAccept({ tag, text: q })
  const accept: Accept = (entry) =>
    isAccepted(entry) &&
    isAsked(help, entry.session.help !== null) &&
    isAsked(assisted, entry.session.adminAssisted)
  const list: InboxList = {
    ...query,
    // Nobody is asked for in a session that has ended.
    status: status ?? (help === 'true' ? 'active' : undefined),
    sort: sort ?? 'lastActivityAt',
    order: order ?? 'desc',
    limit: limit ?? LIMITS.historyPageDefault,
  }
  const { entries, next } = await findInStore(context, id, { list, accept })
  return { rows: entries.map((entry) => context.inboxHub.toRow(id, entry)), next }
}

function isAsked(flag: 'true' | 'false' | undefined, value: boolean): boolean {
  return flag === undefined || (flag === 'true') === value
}

function findInMemory(
  walk: Iterable<[key: string, entry: InboxEntry]>,
  accept: Accept,
  limit: number,
): Found {
  const entries: InboxEntry[] = []
  let lookedAt = 0
  let last: string | null = null
  for (const [key, entry] of walk) {
    if (entries.length === limit || lookedAt === MAX_LOOKED_AT.inMemory) {
      return { entries, next: last }
    }
    lookedAt++
    last = key
    if (accept(entry)) entries.push(entry)
  }
  return { entries, next: null }
}

/**
 * Reads page by page until the list is full, or enough was looked at. What the store cannot filter,
 * because it is encrypted or has no index, is filtered here. Of each session, its origin and its
 * state are decrypted.
 */
async function findInStore(
  { inbox, guard }: Context,
  who: string,
  { list, accept }: { list: InboxList; accept: Accept },
): Promise<Found> {
  const entries: InboxEntry[] = []
  let lookedAt = 0
  let after = list.after
  while (lookedAt < MAX_LOOKED_AT.inStore && entries.length < list.limit) {
    const page = await inbox.list({ ...list, after, limit: STORE_PAGE })
    await guard.chargeRead(who, { entries: 2 * page.entries.length, length: 0 })
    entries.push(...page.entries.filter(accept))
    lookedAt += STORE_PAGE
    after = page.next
    if (after === undefined) break
  }
  const last = entries.length > list.limit ? entries[list.limit - 1]?.session : undefined
  const next = last ? toListCursor(list, { time: last[list.sort], id: last.id }) : after
  return { entries: entries.slice(0, list.limit), next: next ?? null }
}

interface Words {
  tag?: string | undefined
  priority?: string | undefined
  text?: string | undefined
}

function toAccept({ tag, priority, text }: Words): Accept {
  const part = text === undefined ? undefined : fold(text)
  return ({ session, desk }) =>
    (tag === undefined || desk.tags.includes(tag)) &&
    (priority === undefined || desk.priority === priority) &&
    (part === undefined ||
      session.id === text ||
      [session.name, session.userName, session.userId].some((value) => fold(value).includes(part)))
}

function fold(value: string): string {
  return value.normalize('NFKC').toLowerCase()
}
