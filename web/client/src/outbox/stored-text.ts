/** A text as it was at one moment: `typedAt` is the time of its last change, in ISO 8601. */
interface TextVersion {
  /** The tab in which it was typed. */
  tabId: string
  typedAt: string
}

/** What a user has typed in one tab and not sent. */
export interface StoredText {
  kind: 'typed'
  /** Null until the user is known. Then it belongs to the next user of its tab. */
  userId: string | null
  tabId: string
  text: string
  /** ISO 8601. A copy that nobody has changed keeps the time of its source. */
  typedAt: string
  /** The texts of other tabs that it was copied from, the latest last. */
  sources?: readonly TextVersion[]
}

export type TextOwner = Pick<StoredText, 'userId' | 'tabId'>

/** As many as there are texts of which a copy can be made. */
const MAX_SOURCES = 20

export function toKey({ userId, tabId }: TextOwner): string {
  return `typed:${tabId}:${userId ?? ''}`
}

/** Returns what a copy of this text in another tab comes from. */
export function toSources(entry: StoredText): readonly TextVersion[] {
  const { tabId, typedAt, sources = [] } = entry
  const isCopy = sources.at(-1)?.typedAt === typedAt
  return isCopy ? sources : [...sources, { tabId, typedAt }].slice(-MAX_SOURCES)
}

/** Returns what a text of this tab comes from that is made of these parts. */
export function joinSources(
  parts: readonly StoredText[],
  { tabId }: TextOwner,
): readonly TextVersion[] {
  const sources = parts.flatMap(
    (part) => (part.tabId === tabId ? part.sources : toSources(part)) ?? [],
  )
  return sources.slice(-MAX_SOURCES)
}

/**
 * Returns true if `other` holds nothing that its user has not seen in `entry`: it is a source of
 * that, or a copy of it or of a source, and was not changed since.
 */
export function isWithin(other: StoredText, entry: StoredText): boolean {
  const origin = toSources(other).at(-1)
  if (other.userId !== entry.userId || !origin) return false
  const { tabId, typedAt, sources = [] } = entry
  const versions = [{ tabId, typedAt }, ...sources]
  return versions.some((one) => one.tabId === origin.tabId && one.typedAt >= origin.typedAt)
}

/** Returns undefined for anything else, for example an unsent message. */
export function parseStoredText(value: unknown): StoredText | undefined {
  const { kind, userId, tabId, text, typedAt, sources } = (value ?? {}) as Partial<StoredText>
  const isOwned = userId === null || typeof userId === 'string'
  if (kind !== 'typed' || !isOwned || typeof tabId !== 'string') return undefined
  if (typeof text !== 'string' || typeof typedAt !== 'string') return undefined
  return { kind, userId, tabId, text, typedAt, sources: parseSources(sources) }
}

/** Earlier versions of the page store no sources. */
function parseSources(value: unknown): TextVersion[] {
  if (!Array.isArray(value)) return []
  return (value as unknown[]).map(parseVersion).filter((version) => version !== undefined)
}

function parseVersion(value: unknown): TextVersion | undefined {
  const { tabId, typedAt } = (value ?? {}) as Partial<TextVersion>
  if (typeof tabId !== 'string' || typeof typedAt !== 'string') return undefined
  return { tabId, typedAt }
}
