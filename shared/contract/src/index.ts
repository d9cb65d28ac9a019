export { asyncApiDocument, type AsyncApiDocument } from './documents/asyncapi.ts'
export {
  CLIENT_EVENTS,
  type Ack,
  type ClientData,
  type ClientEvent,
  type ClientPayload,
  type ClientToServerEvents,
  type Cost,
  type HandshakeAuth,
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
export { openApiDocument, type OpenApiDocument } from './documents/openapi.ts'
export {
  GATEWAY_EVENTS,
  SERVER_EVENTS,
  WORKER_EVENTS,
  type BusEvent,
  type EventOf,
  type ReplyDelta,
  type ReplyStart,
  type ServerEvent,
  type ServerPayload,
  type ServerToClientEvents,
} from './events/server-events.ts'
export { contentSchema, idSchema, LIMITS, text, userIdSchema } from './fields.ts'
