export { ChatClient, openChat, type ChatClientOptions } from './chat-client.ts'
export type { ChatState, ShownError } from './chat-state.ts'
export {
  Connection,
  openConnection,
  type ConnectionOptions,
  type ConnectionState,
  type ConnectionStatus,
  type GetToken,
} from './connection/connection.ts'
export { createId } from './create-id.ts'
export type { Draft } from './session/draft.ts'
export { requestJson } from './connection/http-api.ts'
export type { Sessions } from './my-sessions.ts'
export {
  createMemoryStorage,
  type OutboxStorage,
  type UnsentMessage,
} from './outbox/outbox-storage.ts'
export { RequestError, toRequestError, type RequestErrorCode } from './connection/request-error.ts'
export { SessionViews } from './session/session-views.ts'
export type { SessionView } from './session/session-view.ts'
export { Outbox } from './outbox/outbox.ts'
export { isModelSilent, isText, type SessionLog } from './session/session-log.ts'
export { createTokenSource, type IssuedToken } from './connection/token-source.ts'
