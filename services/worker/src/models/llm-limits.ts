/** Bounds on what a model server can do to a worker. */
export const LLM_LIMITS = {
  /**
   * The longest single event, in characters. Eight times what any known provider sends; above it
   * the reply ends with an error, never silently.
   */
  eventLength: 16 * 1024 * 1024,
  /** How much of a refusal's body is read. */
  errorBodyBytes: 64 * 1024,
  /** How much of what a provider said goes into the log. */
  detailLength: 500,
  /** The longest wait that a provider's `Retry-After` may ask for. */
  retryAfterMs: 60_000,
  /** How often one question is asked in another form after a refusal that names what to leave out. */
  adaptations: 2,
} as const

/** How long one reply may take, in milliseconds; passing any of them throws `LLM_TIMEOUT`. */
export interface LlmTimeouts {
  /** To a connection with the provider, its TLS included. */
  connectMs: number
  /** From the request to the first sign of an answer. */
  firstTokenMs: number
  /** Between two signs of an answer; keep-alives are none. */
  idleMs: number
  /** From the request to the end of the reply. */
  totalMs: number
}

export const LLM_TIMEOUTS: LlmTimeouts = {
  connectMs: 5000,
  firstTokenMs: 15_000,
  idleMs: 30_000,
  totalMs: 120_000,
}
