/** As in `contentSchema` of the contract: everything else is white space or invisible. */
const VISIBLE = /[^\s\p{Cc}\p{Default_Ignorable_Code_Point}\u2800\uFFF9-\uFFFB]/u

/**
 * Returns what is sent of a typed text, by the same rule as the server's `contentSchema`: without
 * the empty lines at both ends, and empty if nothing can be seen. Half a character, which may be
 * left of a cut emoji, becomes U+FFFD, because the server refuses text that has no UTF-8 form.
 */
export function toMessageText(typed: string): string {
  const parts = typed.replaceAll(/\p{Surrogate}/gu, '\uFFFD').split(/(\r\n|[\n\r\u2028\u2029])/u)
  const isFull = (part: string): boolean => VISIBLE.test(part)
  const first = parts.findIndex(isFull)
  return first < 0 ? '' : parts.slice(first, parts.findLastIndex(isFull) + 1).join('')
}
