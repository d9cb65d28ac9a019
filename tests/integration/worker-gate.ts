/** A door that a script waits at until the test opens it. */
export interface Gate {
  step: () => Promise<unknown>
  reached: Promise<unknown>
  open: () => void
}

export function createGate(): Gate {
  const reached = Promise.withResolvers<undefined>()
  const opened = Promise.withResolvers<undefined>()
  return {
    step: () => {
      reached.resolve(undefined)
      return opened.promise
    },
    reached: reached.promise,
    open: () => opened.resolve(undefined),
  }
}
