/**
 * The replies that this process is writing, so that one subscription to stop requests serves all of
 * them. Holds one entry for each running job, so the queue's concurrency is its cap.
 */
export class RunningReplies {
  readonly #stops = new Map<string, () => void>()

  /** Calls `onStop` when a stop of the reply is asked for; answers how to end the watch. */
  watch(replyId: string, onStop: () => void): () => void {
    this.#stops.set(replyId, onStop)
    return () => {
      // A later watch of the same reply, after a handover within this process, is left alone.
      if (this.#stops.get(replyId) === onStop) this.#stops.delete(replyId)
    }
  }

  stop(replyId: string): void {
    this.#stops.get(replyId)?.()
  }
}
