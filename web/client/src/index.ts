export { ChatClient, type ChatClientOptions } from './chat-client.ts'
export { isVisitor, type ChatState } from './chat-state.ts'
export { Connection, type ConnectionState } from './connection/connection.ts'
export { Observable } from './observable.ts'
export {
  requestChange,
  requestJson,
  toFailure,
  toRequestError,
  type Failure,
} from './connection/request.ts'
export { createTokenSource, type GetToken, type IssuedToken } from './connection/token.ts'
export { createBrowserStorage } from './outbox/browser-storage.ts'
export { createId, Outbox } from './outbox/outbox.ts'
export {
  createMemoryStorage,
  type OutboxStorage,
  type UnsentMessage,
} from './outbox/outbox-storage.ts'
export type { Draft } from './session/draft.ts'
export { isModelSilent, type SessionLog } from './session/session-log.ts'
export type { SessionView, SessionViewState } from './session/session-view.ts'
export { SessionViews } from './session/session-views.ts'
