/**
 * How many characters in a row tell a quote. Shorter phrases of a visitor occur in the words of a
 * server by chance, for example `is not supported`.
 */
const QUOTE_LENGTH = 18
/** A shorter text counts as quoted where all of it occurs. Below this length it is a common word. */
const MIN_LENGTH = 12
/** What lies between two words. */
const GAP = /[^\p{L}\p{N}_]+/gu
/** The same in a refusal, where JSON may have escaped it. */
const WRITTEN_GAP = /(?:\\+(?:u[\da-f]{4}|.)|[^\p{L}\p{N}_\\])+/giu

/**
 * Returns a refusal without what it quotes of `texts`. Many servers repeat the question, or a part
 * of it, in what they refuse, and a visitor may have written there what a server would say. Case,
 * punctuation, white space and JSON's escapes make no difference. Takes time in proportion to the
 * length of both.
 */
export function withoutQuotes(refusal: string, texts: readonly string[]): string {
  const own = texts.map((text) => toLowerCase(text).replaceAll(GAP, ' ').trim())
  let left = refusal
  for (let length = QUOTE_LENGTH; length >= MIN_LENGTH; length--) {
    const sources = own.filter((text) => Math.min(text.length, QUOTE_LENGTH) === length)
    if (sources.length > 0) left = cut(left, sources, length)
  }
  return left
}

/** Cuts each part of `length` characters that one of the sources has, too. */
function cut(refusal: string, sources: readonly string[], length: number): string {
  const { text, at } = foldWords(refusal)
  const parts = new Set<string>()
  for (let start = 0; start + length <= text.length; start++) {
    parts.add(text.slice(start, start + length))
  }
  const quoted = findParts(parts, sources, length)
  const kept: string[] = []
  let end = 0
  for (let start = 0; start + length <= text.length; start++) {
    if (!quoted.has(text.slice(start, start + length))) continue
    const from = at[start] ?? 0
    if (from >= end) kept.push(refusal.slice(end, from), ' ')
    end = at[start + length] ?? refusal.length
  }
  return [...kept, refusal.slice(end)].join('')
}

/** Returns which of the parts, all of one length, a source has. */
function findParts(
  parts: ReadonlySet<string>,
  sources: readonly string[],
  length: number,
): Set<string> {
  const found = new Set<string>()
  for (const source of sources) {
    for (let start = 0; start + length <= source.length; start++) {
      const part = source.slice(start, start + length)
      if (parts.has(part)) found.add(part)
    }
  }
  return found
}

/** Returns the words of a refusal with one space between, and where each character comes from. */
function foldWords(refusal: string): { text: string; at: number[] } {
  const lower = toLowerCase(refusal)
  const pieces: string[] = []
  const at: number[] = []
  let end = 0
  for (const gap of [...lower.matchAll(WRITTEN_GAP), { 0: ' ', index: lower.length }]) {
    for (let index = end; index < gap.index; index++) at.push(index)
    pieces.push(lower.slice(end, gap.index), ' ')
    at.push(gap.index)
    end = gap.index + gap[0].length
  }
  return { text: pieces.join(''), at }
}

/** Keeps the place of each character: in a few scripts, small letters have another length. */
function toLowerCase(text: string): string {
  const lower = text.toLowerCase()
  return lower.length === text.length ? lower : text
}
