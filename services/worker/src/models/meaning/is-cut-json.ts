/** What opens, closes or escapes in JSON. */
const MARKS = /\\.|["{}[\]]/gsu

/** A text that is longer counts as cut unless its beginning tells otherwise. */
const READ_LENGTH = 64 * 1024

/**
 * Returns whether a text that is no JSON may be an object whose end is missing. A whole object with
 * more behind it is none, for example JSON in lines. Whatever else is wrong is not looked for.
 */
export function isCutJson(text: string): boolean {
  if (!/^\s*\{\s*(?:"|$)/u.test(text)) return false
  let isInString = false
  let depth = 0
  for (const [mark] of text.slice(0, READ_LENGTH).matchAll(MARKS)) {
    if (mark === '"') isInString = !isInString
    if (isInString || mark.length > 1) continue
    if ('{['.includes(mark)) depth += 1
    if ('}]'.includes(mark)) depth -= 1
    if (depth === 0) return false
  }
  return true
}
