import { describe, expect, it } from '@jest/globals'
import { asyncApiDocument } from './documents/asyncapi.ts'
import { CLIENT_EVENTS } from './events/client-events.ts'
import { HTTP_ROUTES } from './http/http-routes.ts'
import { openApiDocument } from './documents/openapi.ts'
import { SERVER_EVENTS } from './events/server-events.ts'

const openApi = openApiDocument({ pathPrefix: '/support' })
const asyncApi = asyncApiDocument({ pathPrefix: '/support' })

/** Every `$ref` of a document, however deep. */
function refsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : refsOf(inner),
  )
}

function find(document: object, ref: string): unknown {
  const path = ref.replace('#/', '').split('/')
  return path.reduce<unknown>(
    (at, key) => Object.entries(at ?? {}).find(([k]) => k === key)?.[1],
    document,
  )
}

describe.each([
  ['OpenAPI', openApi],
  ['AsyncAPI', asyncApi],
])('the %s document', (_name, document) => {
  it('refers only to what is in it', () => {
    const refs = refsOf(document)
    expect(refs.length).toBeGreaterThan(20)
    expect(refs.filter((ref) => find(document, ref) === undefined)).toEqual([])
  })

  it('is the same after JSON', () => {
    expect(JSON.parse(JSON.stringify(document))).toEqual(document)
  })

  it('names every schema, and leaves open what a later version may add to', () => {
    const { schemas } = document.components
    expect(Object.keys(schemas)).toEqual(
      expect.arrayContaining(['Session', 'Message', 'ErrorInfo']),
    )
    expect(schemas.Session).toMatchObject({ type: 'object' })
    expect(schemas.Session).not.toHaveProperty('additionalProperties')
  })
})

describe('the OpenAPI document', () => {
  it('has each route once, with its method and its own errors', () => {
    const operations = Object.entries(openApi.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    )
    expect(operations).toHaveLength(Object.keys(HTTP_ROUTES).length)
    for (const { path, method, operation } of operations) {
      const route = Object.entries(HTTP_ROUTES).find(
        ([name]) => name === operation.operationId,
      )?.[1]
      expect(route).toMatchObject({ method, path: path.replaceAll(/\{(\w+)\}/g, ':$1') })
      const roles = {
        anyone: [],
        user: [{ token: [] }],
        operator: [{ token: ['operator'] }],
        admin: [{ token: ['admin'] }],
      }
      expect(operation.security).toEqual(route && roles[route.who])
    }
  })

  it('names every parameter of a path', () => {
    for (const [path, methods] of Object.entries(openApi.paths)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      for (const { parameters } of Object.values(methods)) {
        const named = parameters.filter((parameter) => parameter.in === 'path')
        expect(named.map(({ name, required }) => [name, required])).toEqual(
          inPath.map((name) => [name, true]),
        )
      }
    }
  })

  it('stands below the path prefix', () => {
    expect(openApi.servers).toEqual([{ url: '/support/api' }])
  })
})

describe('the AsyncAPI document', () => {
  const operations = Object.values(asyncApi.operations)
  it('receives each client event, with its acknowledgement, and sends each server event', () => {
    const received = operations.filter(({ action }) => action === 'receive')
    expect(received).toHaveLength(Object.keys(CLIENT_EVENTS).length)
    expect(received.every(({ reply }) => reply?.messages.length === 1)).toBe(true)
    const sent = operations.filter(({ action }) => action === 'send')
    expect(sent).toHaveLength(Object.keys(SERVER_EVENTS).length)
  })

  it('names messages as they are on the wire', () => {
    const names = Object.values(asyncApi.components.messages).map(({ name }) => name)
    expect(new Set(names)).toEqual(
      new Set([...Object.keys(CLIENT_EVENTS), ...Object.keys(SERVER_EVENTS)]),
    )
    expect(asyncApi.components.messages.MessageSend?.name).toBe('message:send')
  })

  it('bounds a message by code points, as the servers do', () => {
    expect(asyncApi.components.schemas.MessageSendPayload).toMatchObject({
      properties: { content: { minLength: 1, maxLength: 10_000 } },
      required: ['sessionId', 'clientMessageId', 'content'],
      additionalProperties: false,
    })
  })

  it('stands below the path prefix', () => {
    expect(asyncApi.channels.socket.address).toBe('/support/socket.io')
  })
})
