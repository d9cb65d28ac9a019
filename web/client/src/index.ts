export { ChatClient, openChat, type ChatClientOptions } from './chat-client.ts'
export type { ChatState, ShownError } from './chat-state.ts'
export {
  Connection,
  openConnection,
  type ConnectionOptions,
  type ConnectionState,
  type ConnectionStatus,
  type GetToken,
} from './connection.ts'
export { createId } from './create-id.ts'
export type { Draft } from './draft.ts'
export { requestJson } from './http-api.ts'
export type { Sessions } from './my-sessions.ts'
export { createMemoryStorage, type OutboxStorage, type UnsentMessage } from './outbox-storage.ts'
export { RequestError, toRequestError, type RequestErrorCode } from './request-error.ts'
export { isModelSilent, type SessionLog } from './session-log.ts'
export { createTokenSource, type IssuedToken } from './token-source.ts'
