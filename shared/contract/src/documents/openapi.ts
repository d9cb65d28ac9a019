import { ERROR_STATUS, type ErrorCode } from '../errors.ts'
import { errorBodySchema, HTTP_ROUTES, type HttpRoute } from '../http/http-routes.ts'
import { refOf, toComponentSchemas, toProperties, type JsonSchema } from './json-schemas.ts'

export interface OpenApiDocument {
  openapi: '3.1.0'
  info: { title: string; version: string; description: string }
  servers: { url: string }[]
  paths: Record<string, Record<string, OpenApiOperation>>
  components: { schemas: Record<string, JsonSchema>; securitySchemes: JsonSchema }
}

interface OpenApiOperation {
  operationId: string
  summary: string
  security: Record<string, string[]>[]
  parameters: JsonSchema[]
  requestBody?: { required: true; content: Content }
  responses: Record<string, OpenApiResponse>
}

interface OpenApiResponse {
  description: string
  headers?: JsonSchema
  content?: Content
}

type Content = Record<string, { schema: JsonSchema }>

/**
 * Error codes that any route may return besides its own. `FORBIDDEN` is also the code for a wrong
 * origin.
 */
const ALWAYS: readonly ErrorCode[] = [
  'INVALID_FORMAT',
  'FORBIDDEN',
  'TOO_MANY_REQUESTS',
  'INTERNAL',
  'UNAVAILABLE',
]
const WITH_TOKEN: readonly ErrorCode[] = ['UNAUTHORIZED', 'TOKEN_EXPIRED']

/**
 * Describes the HTTP API as OpenAPI 3.1. `pathPrefix` is the setting with that name, without a
 * final slash.
 */
export function openApiDocument(options: { pathPrefix: string }): OpenApiDocument {
  const paths: OpenApiDocument['paths'] = {}
  const bodies: Parameters<typeof toComponentSchemas>[0] = { ErrorBody: errorBodySchema }
  for (const [name, route] of Object.entries<HttpRoute>(HTTP_ROUTES)) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method]: toOperation(name, route) }
    if (route.kind === 'json') bodies[toSchemaName(name, 'Body')] = route.response
    if (takesBody(route)) bodies[toSchemaName(name, 'Request')] = route.body
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'chatbox',
      version: '1',
      description: 'Support chat: sessions, their messages and transcripts.',
    },
    servers: [{ url: `${options.pathPrefix}/api` }],
    paths,
    components: {
      schemas: toComponentSchemas(bodies),
      securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  }
}

function toOperation(name: string, route: HttpRoute): OpenApiOperation {
  const needsToken = route.who !== 'anyone'
  return {
    operationId: name,
    summary: route.summary,
    // OpenAPI 3.1 lists roles here for schemes other than OAuth.
    security: needsToken ? [{ token: route.who === 'user' ? [] : [route.who] }] : [],
    parameters: [
      ...toProperties(route.params).map((parameter) => ({ in: 'path', ...parameter })),
      ...toProperties(route.query).map((parameter) => ({ in: 'query', ...parameter })),
    ],
    ...(takesBody(route) && {
      requestBody: { required: true, content: toJsonContent(toSchemaName(name, 'Request')) },
    }),
    responses: {
      ...toSuccess(name, route),
      ...toErrors([...route.errors, ...(needsToken ? WITH_TOKEN : []), ...ALWAYS]),
    },
  }
}

function toSuccess(name: string, route: HttpRoute): OpenApiOperation['responses'] {
  const description = 'Done'
  if (route.kind === 'empty') return { 204: { description } }
  if (route.kind === 'json') {
    return { 200: { description, content: toJsonContent(toSchemaName(name, 'Body')) } }
  }
  const toFile = (type: string) => ({ schema: type.startsWith('text/') ? { type: 'string' } : {} })
  const content = Object.fromEntries(route.mediaTypes.map((type) => [type, toFile(type)]))
  return { 200: { description, content } }
}

function toJsonContent(schema: string): Content {
  return { 'application/json': { schema: { $ref: refOf(schema) } } }
}

function takesBody(route: HttpRoute): boolean {
  return toProperties(route.body).length > 0
}

function toErrors(codes: readonly ErrorCode[]): Record<string, OpenApiResponse> {
  const byStatus = Object.groupBy(codes, (code) => String(ERROR_STATUS[code]))
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, some = []]) => [
      status,
      {
        description: some.join(' or '),
        ...(status === '429' && {
          headers: { 'Retry-After': { description: 'Seconds', schema: { type: 'integer' } } },
        }),
        content: toJsonContent('ErrorBody'),
      },
    ]),
  )
}

/** Turns `endSession` into `EndSessionBody`. */
function toSchemaName(route: string, part: 'Body' | 'Request'): string {
  return `${route.charAt(0).toUpperCase()}${route.slice(1)}${part}`
}
