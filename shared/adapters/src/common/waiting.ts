/** Whether `pending` settles in time; it is left to itself when it does not. */
export async function settlesWithin(
  timeoutMs: number,
  pending: Promise<unknown>,
): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>()
  const timer = setTimeout(resolve, timeoutMs, false)
  const settled = pending.then(
    () => true,
    () => true,
  )
  const inTime = await Promise.race([settled, late])
  clearTimeout(timer)
  return inTime
}
