type Close = () => Promise<void>

/** What a process has opened so far. */
export interface OpenParts {
  /** Says how the part that was opened last is closed. */
  add(close: Close): void
  /** Closes all of them in the reverse order; one that fails keeps no other open. */
  close(): Promise<void>
}

/** Runs `build`; where it fails, closes what it had opened and throws on. */
export async function openParts<T>(build: (parts: OpenParts) => Promise<T>): Promise<T> {
  const parts = createOpenParts()
  try {
    return await build(parts)
  } catch (error) {
    // The reason of the failed start is the one to tell; a part that cannot be closed is its echo.
    await parts.close().catch(() => undefined)
    throw error
  }
}

function createOpenParts(): OpenParts {
  const closers: Close[] = []
  return {
    add: (close) => void closers.push(close),
    async close() {
      const errors: unknown[] = []
      for (const close of closers.splice(0).reverse()) {
        await close().catch((error: unknown) => errors.push(error))
      }
      if (errors.length > 0) throw new AggregateError(errors, 'some parts could not be closed')
    },
  }
}
