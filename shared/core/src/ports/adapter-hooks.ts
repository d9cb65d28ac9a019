/** What an adapter reports to the process that opened it. Called with ids and errors, never texts. */
export interface AdapterHooks {
  /** A back end failed and the adapter goes on: reconnecting, counting for itself, or dropping. */
  onError(component: string, error: unknown): void
  onPublishFailed(): void
  /** The subscriptions came back after a time in which events may have been missed. */
  onGap(): void
  /** A job, bus message or stored document that its schema refuses. */
  onPayloadRefused(source: string, ids: Record<string, string>): void
}

/** What a process that starts is told of the store's schema. */
export interface SchemaHooks {
  /** A step that this process has done. */
  onSchemaStep?(step: { step: number; name: string; ms: number }): void
  /** What makes this version is under way, here or elsewhere. Told at most every 10 s. */
  onSchemaWait?(version: number): void
}
