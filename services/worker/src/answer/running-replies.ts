/**
 * Why a reply was aborted: the user stopped it, another attempt owns it, this process hands it
 * over, or its time is up.
 */
export type AbortReason = 'stop' | 'lost' | 'shutdown' | 'timeout'

/** A reply that this process is writing. Only the first abort reason counts. */
export class RunningReply {
  readonly #controller = new AbortController()
  #reason: AbortReason | undefined

  /** A method rather than a property, because the result may change with every await. */
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
 * The replies that this process is writing. All of them share one subscription to stop requests.
 * The queue's concurrency bounds the size, because each running job has one entry.
 */
export class RunningReplies {
  readonly #replies = new Map<string, RunningReply>()

  /** Lets stop requests abort the reply. Returns a function that ends this. */
  add(replyId: string, reply: RunningReply): () => void {
    this.#replies.set(replyId, reply)
    return () => {
      // After a handover within this process, a new entry may have the same reply id.
      if (this.#replies.get(replyId) === reply) this.#replies.delete(replyId)
    }
  }

  stop(replyId: string): void {
    this.#replies.get(replyId)?.abort('stop')
  }
}
