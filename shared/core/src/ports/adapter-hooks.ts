/**
 * What an adapter reports to the process that opened it. Reports carry ids and errors, never texts.
 */
export interface AdapterHooks {
  /** A back end failed. The adapter continues: it reconnects, counts locally or drops the event. */
  onError(component: string, error: unknown): void
  onPublishFailed(): void
  /** The subscriptions are back. Events may have been missed in the meantime. */
  onGap(): void
  /** A job, bus message or stored document did not match its schema. */
  onPayloadRefused(source: string, ids: Record<string, string>): void
}

/** What a starting process learns about the store's schema. */
export interface SchemaHooks {
  /** This process has finished a step. */
  onSchemaStep?(step: { step: number; name: string; ms: number }): void
  /** This or another process is working on this version. Called at most every 10 s. */
  onSchemaWait?(version: number): void
}
