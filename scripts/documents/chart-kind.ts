/** `rateLimit` for `RATE_LIMIT`. */
export function toKey(name: string): string {
  return name.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/**
 * Returns the default and the schema of a value of this type. `isGiven` means that it must not be
 * an empty text.
 */
export function toKind(
  type: string,
  text: string,
  { isGiven = text !== '' } = {},
): [value: unknown, schema: unknown] {
  const [, number, minimum, maximum] = /^(whole number|size), (\d+) to (\d+)/.exec(type) ?? []
  const bounds = { minimum: Number(minimum), maximum: Number(maximum) }
  if (number === 'whole number') return [Number(text), { type: 'integer', ...bounds }]
  if (number === 'size') {
    const pattern = '^[0-9]{1,12}(B|KiB|MiB|GiB)?$'
    return [Number(text), { type: ['integer', 'string'], ...bounds, pattern }]
  }
  if (type.startsWith('duration')) return [text, { $ref: '#/definitions/duration' }]
  if (type.startsWith('one of')) {
    return [text, { enum: Array.from(type.matchAll(/`(\w+)`/g), ([, word]) => word) }]
  }
  if (type === '`true` or `false`') return [text === 'true', { type: 'boolean' }]
  if (type.startsWith('list')) {
    return [[], { type: 'array', items: { type: 'string', pattern: PATTERNS[type] } }]
  }
  return [text, toTextSchema(type, isGiven)]
}

function toTextSchema(type: string, isGiven: boolean): object {
  const pattern = PATTERNS[type]
  if (pattern !== undefined) return { type: 'string', pattern: isGiven ? pattern : `^$|${pattern}` }
  const [, maxLength] = /^text, at most (\d+) characters$/.exec(type) ?? []
  const bound = maxLength === undefined ? {} : { maxLength: Number(maxLength) }
  return { type: 'string', ...(isGiven ? { minLength: 1 } : {}), ...bound }
}

/** As in production, where every address is `https`. */
const PATTERNS: Readonly<Record<string, string>> = {
  'letters, digits, `-`, `_` and `.`, at most 64': '^[A-Za-z0-9_.-]{1,64}$',
  // As text: the chart turns numbers into whole ones.
  'amount such as 20 or 0.15': '^[0-9]{1,9}([.][0-9]{1,6})?$',
  path: '^(/|(/[A-Za-z0-9_.~-]+)+)$',
  origin: '^https://[^/*\\s]+$',
  address: '^https://[^\\s@]+$',
  'mail address, with a name or without':
    '^[^<>"\\s][^<>"]*@[^<>"]+$|^[^<>"]+<[^<>"\\s]+@[^<>"\\s]+>$',
  'list of mail addresses': '^[^@<>,\\s]+@[^@<>,\\s]+$',
  'list of phone numbers': '^[+][1-9][0-9]{6,14}$',
  'list of origins': '^https?://[^/*\\s]+$',
  'list of addresses or CIDR blocks': '^(none|[0-9a-fA-F.:]+(/[0-9]{1,3})?)$',
}
