import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { copyRepository, type RepositoryCopy, type Seed } from './repository-copy.ts'

const ENTRIES: Seed[] = [
  {
    path: 'shared/contract/src/events/client-events.ts',
    before: "  'token:refresh': {\n",
    lines: "  seeded: { payload: sessionOnly, data: empty, who: 'operator', cost: 'write' },\n",
  },
  {
    path: 'shared/contract/src/http/http-routes.ts',
    before: '  readOpenApi: {\n',
    lines: `  seeded: {
    ...plain,
    method: 'put',
    path: '/seeded',
    summary: 'Answers its body',
    who: 'admin',
    cost: 'write',
    body: z.strictObject({ name: z.string() }),
    kind: 'json',
    response: z.strictObject({ named: z.string() }),
  },\n`,
  },
]
const HANDLERS: Seed[] = [
  {
    path: 'services/gateway/src/ws/connection/handlers.ts',
    before: '    typing: ',
    lines: '    seeded: async () => ({}),\n',
  },
  {
    path: 'services/gateway/src/http/handlers/route-handlers.ts',
    before: '    readOpenApi: ',
    lines: '    seeded: async ({ body }) => ({ named: body.name }),\n',
  },
]
const GATEWAY = ['services/gateway/src/start.ts']
const USE_BOTH = `
import { openApiDocument } from '@chatbox/contract'
import { openChatUser } from './chat-user.ts'
import { openTestBackend, startTestGateway } from './test-gateway.ts'
import { signToken } from '../environment/tokens.ts'

const backend = await openTestBackend()
const gateway = await startTestGateway(backend.ports)
const seen = {}
for (const role of ['user', 'chat_admin', 'admin']) {
  const token = await signToken({ sub: role, roles: [role] })
  const user = await openChatUser({ url: gateway.url, token })
  const ack = await user.emitRaw('seeded', { sessionId: 's' })
  user.close()
  const put = async (body) => {
    const headers = { authorization: 'Bearer ' + token }
    const init = { method: 'PUT', headers, body: JSON.stringify(body) }
    const response = await fetch(gateway.url + '/chatbox/api/seeded', init)
    const { named, error } = await response.json()
    return named ?? error.code
  }
  const event = ack.ok ? 'ok' : ack.error.code
  seen[role] = [event, await put({ name: 'x' }), await put({ name: 7 })]
}
const { put } = openApiDocument({ pathPrefix: '' }).paths['/seeded']
await gateway.stop()
await backend.close()
console.log(JSON.stringify({ seen, security: put.security, body: put.requestBody }))
`

let copy: RepositoryCopy

beforeAll(async () => {
  copy = await copyRepository()
  await copy.sow(ENTRIES)
}, 60_000)

afterAll(() => copy.remove())

describe('an event or a route that is added to its table', () => {
  it('does not compile without a handler, and needs nothing else to be served', async () => {
    expect(await copy.wrongFiles(GATEWAY)).toEqual(HANDLERS.map(({ path }) => path).toSorted())
    await copy.sow(HANDLERS)
    expect(await copy.wrongFiles(GATEWAY)).toEqual([])
    await copy.write({ 'tests/support/seeded.ts': USE_BOTH })
    expect(JSON.parse(await copy.runScript('tests/support/seeded.ts'))).toEqual({
      seen: {
        user: ['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
        chat_admin: ['ok', 'FORBIDDEN', 'FORBIDDEN'],
        admin: ['ok', 'x', 'INVALID_FORMAT'],
      },
      security: [{ token: ['admin'] }],
      body: {
        required: true,
        content: {
          'application/json': { schema: { $ref: '#/components/schemas/SeededRequest' } },
        },
      },
    })
  }, 120_000)
})
