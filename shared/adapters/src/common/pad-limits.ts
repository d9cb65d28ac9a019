/** Of one reply's scratchpad; the same in memory and in Redis, so that a draft reads the same. */
export const PAD_LIMITS = { ttlMs: 600_000, chunks: 2000, bytes: 262_144 } as const
