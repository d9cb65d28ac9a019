// Everything here crosses the wire, so everything is public except the code that makes the
// documents.
export { asyncApiDocument, type AsyncApiDocument } from './documents/asyncapi.ts'
export { openApiDocument, type OpenApiDocument } from './documents/openapi.ts'
export * from './entities.ts'
export * from './errors.ts'
export * from './events/client-events.ts'
export * from './events/operators/inbox-events.ts'
export * from './events/server-events.ts'
export * from './fields.ts'
export * from './http/http-routes.ts'
export * from './inside/jobs.ts'
export * from './inside/later-versions.ts'
export * from './inside/sign-in-tickets.ts'
