/**
 * Why a reply is not written any further: the user said so, another attempt owns it, this process
 * is to hand it over, or its time is up.
 */
export type AbortReason = 'stop' | 'lost' | 'shutdown' | 'timeout'

/** A reply that this process is writing, until it is aborted: the first reason counts. */
export class RunningReply {
  readonly #controller = new AbortController()
  #reason: AbortReason | undefined

  /** A method, not a property: the answer may change with every await. */
  abortReason(): AbortReason | undefined {
    return this.#reason
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  abort(reason: AbortReason): void {
    if (this.#reason) return
    this.#reason = reason
    this.#controller.abort(new Error(`aborted: ${reason}`))
  }
}

/**
 * The replies that this process is writing, so that one subscription to stop requests serves all of
 * them. Holds one entry for each running job, so the queue's concurrency is its cap.
 */
export class RunningReplies {
  readonly #replies = new Map<string, RunningReply>()

  /** From now on a stop aborts the reply; answers how to end that. */
  add(replyId: string, reply: RunningReply): () => void {
    this.#replies.set(replyId, reply)
    return () => {
      // The same reply may be here again by now, after a handover within this process.
      if (this.#replies.get(replyId) === reply) this.#replies.delete(replyId)
    }
  }

  stop(replyId: string): void {
    this.#replies.get(replyId)?.abort('stop')
  }
}
