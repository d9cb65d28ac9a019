/** The fields under which servers put what a model writes beside its answer. */
const FIELDS = ['text', 'thinking', 'summary', 'content', 'function', 'arguments', 'partial_json']
/** The forms in use have three levels. */
const MAX_DEPTH = 4

/**
 * Returns the reasoning or the call of a tool within a part of a reply that is not shown, in any
 * form: a text, or texts in lists and objects. It is only for its length.
 */
export function toHiddenText(value: unknown, depth = MAX_DEPTH): string {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null || depth === 0) return ''
  const parts: unknown[] = Array.isArray(value)
    ? value
    : FIELDS.map((field): unknown => Reflect.get(value, field))
  return parts.map((part) => toHiddenText(part, depth - 1)).join('')
}
