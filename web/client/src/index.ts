export { ChatClient, type ChatClientOptions } from './chat-client.ts'
export { isVisitor, type ChatState } from './chat-state.ts'
export { Connection } from './connection/connection.ts'
export { requestChange, requestJson, type Failure } from './connection/request.ts'
export { createTokenSource, type GetToken, type IssuedToken } from './connection/token.ts'
export { createId, Outbox } from './outbox/outbox.ts'
export {
  createMemoryStorage,
  type OutboxStorage,
  type UnsentMessage,
} from './outbox/outbox-storage.ts'
export type { Draft } from './session/draft.ts'
export { isModelSilent, type SessionLog } from './session/session-log.ts'
export type { SessionView } from './session/session-view.ts'
export { SessionViews } from './session/session-views.ts'
