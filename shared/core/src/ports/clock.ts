/** Time and randomness: the only things besides model servers that a test may fake. */
export interface Clock {
  now(): Date
  /** 128 random bits as 22 characters of base64url. */
  newId(): string
  /** In [0, 1). */
  random(): number
}
