// Loaded into a process of the product before its program: its wall clock is wrong by
// `CLOCK_SHIFT_MS`, but durations stay right. For machines without libfaketime.
const shiftMs = Number(process.env.CLOCK_SHIFT_MS ?? 0)
const RealDate = Date

globalThis.Date = new Proxy(RealDate, {
  construct(target, args, newTarget) {
    const shifted = args.length === 0 ? [RealDate.now() + shiftMs] : args
    return Reflect.construct(target, shifted, newTarget) as Date
  },
  apply: () => new Date().toString(),
  get: (target, key, receiver) =>
    key === 'now'
      ? () => RealDate.now() + shiftMs
      : (Reflect.get(target, key, receiver) as unknown),
})
