/** The value that a share of all values does not exceed; `sorted` is not empty. */
export function quantile(sorted: readonly number[], share: number): number {
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))
  return sorted[index] ?? Number.NaN
}

/** At most `count` values that have the distribution of all of them, the smallest and largest kept. */
export function thin(values: readonly number[], count: number): number[] {
  const sorted = [...values].sort((a, b) => a - b)
  if (sorted.length <= count) return sorted
  return Array.from({ length: count }, (_, index) => {
    return sorted[Math.round((index / (count - 1)) * (sorted.length - 1))] ?? 0
  })
}
