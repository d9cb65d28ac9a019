export { asyncApiDocument, type AsyncApiDocument } from './documents/asyncapi.ts'
export { busEventSchema, GATEWAY_EVENTS, type BusEvent } from './inside/bus-events.ts'
export {
  CLIENT_EVENTS,
  type ClientData,
  type ClientEvent,
  type ClientPayload,
  type Cost,
} from './events/client-events.ts'
export {
  activeReplySchema,
  messageFields,
  messageSchema,
  personSchema,
  roleSchema,
  ROLES,
  senderSchema,
  sessionEventSchema,
  sessionSchema,
  replyUsageSchema,
  usageSchema,
  userSchema,
  type ActiveReply,
  type FileRef,
  type Message,
  type Model,
  type Person,
  type Role,
  type Sender,
  type Session,
  type SessionEvent,
  type ReplyUsage,
  type Usage,
  type User,
  type Who,
} from './entities.ts'
export {
  ERROR_CODES,
  ERROR_STATUS,
  errorInfoSchema,
  type ErrorCode,
  type ErrorInfo,
} from './errors.ts'
export {
  errorBodySchema,
  HTTP_ROUTES,
  type AddressCost,
  type HttpRoute,
  type RouteAnswer,
  type RouteBody,
  type RouteMediaType,
  type RouteName,
  type RouteParams,
  type RouteQuery,
} from './http/http-routes.ts'
export { JOB_KEYS, JOBS, type JobName, type JobPayload } from './inside/jobs.ts'
export { keepUnknown, openEnum, openEnums } from './inside/later-versions.ts'
export { LIMITS } from './limits.ts'
export { openApiDocument, type OpenApiDocument } from './documents/openapi.ts'
export {
  replyDeltaSchema,
  replyStartSchema,
  SERVER_EVENTS,
  type ReplyDelta,
  type ReplyStart,
  type ServerEvent,
  type ServerPayload,
} from './events/server-events.ts'
export type {
  Ack,
  ClientToServerEvents,
  HandshakeAuth,
  ServerToClientEvents,
} from './events/socket.ts'
export { contentSchema, idSchema, text, userIdSchema } from './text.ts'
