import type { Llm, LlmChunk, LlmRequest } from '@chatbox/core'

/** Is told of one reply while it passes; the reply waits for the promises that it answers with. */
export interface ReplyWatcher {
  onChunk(chunk: LlmChunk): Promise<void> | undefined
  /** Once, however the reply ended; with what it threw, or without where it ended or was left. */
  onEnd(thrown?: unknown): Promise<void> | undefined
}

/** Begins to watch a reply, or throws where it is not even to be asked for. */
export type WatchReply = (request: LlmRequest, signal: AbortSignal) => ReplyWatcher

/** `llm` with a watcher for each reply. Iterated by hand: another generator costs every token more. */
export function watchReplies(llm: Llm, watch: WatchReply): Llm {
  return {
    streamReply: (request, signal) => ({
      [Symbol.asyncIterator]() {
        const watcher = watch(request, signal)
        return watchReply(llm.streamReply(request, signal)[Symbol.asyncIterator](), watcher)
      },
    }),
  }
}

type Next = IteratorResult<LlmChunk>

function watchReply(
  chunks: AsyncIterator<LlmChunk>,
  watcher: ReplyWatcher,
): AsyncIterator<LlmChunk> {
  let hasEnded = false
  const end = (thrown?: unknown): Promise<void> | undefined => {
    if (hasEnded) return undefined
    hasEnded = true
    return watcher.onEnd(thrown)
  }
  const onNext = (next: Next): Next | Promise<Next> => {
    const told = next.done ? end() : watcher.onChunk(next.value)
    return told ? told.then(() => next) : next
  }
  const onThrown = async (thrown: unknown): Promise<never> => {
    await end(thrown)
    throw thrown
  }
  return {
    next: () => chunks.next().then(onNext, onThrown),
    async return() {
      await end()
      await chunks.return?.()
      return { done: true, value: undefined }
    },
  }
}
