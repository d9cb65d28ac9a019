export type Unit = 'us' | 'ms' | 's' | 'KB' | 'cores' | 'count' | 'x'

const DIGITS: Record<Unit, number> = { us: 1, ms: 2, s: 2, KB: 2, cores: 2, count: 0, x: 2 }

export function formatAmount(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return '-'
  const text = value.toFixed(DIGITS[unit])
  return unit === 'count' || unit === 'x' ? text : `${text} ${unit}`
}
