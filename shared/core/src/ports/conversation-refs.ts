/**
 * What a provider that keeps history itself calls a session. All methods reject with `UNAVAILABLE`
 * within 3 s when the store does not answer. References are encrypted at rest.
 */
export interface ConversationRefs {
  /** Undefined if none was saved, or if it cannot be decrypted. */
  read(sessionId: string, modelId: string): Promise<string | undefined>
  save(sessionId: string, modelId: string, ref: string): Promise<void>
}
