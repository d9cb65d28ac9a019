import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { startService, type ServiceProcess } from '../environment/servers/processes.ts'
import { openChatUser } from '../support/chat-user.ts'
import { sendStatus, startModelServer, type ModelServer } from '../environment/model-server.ts'
import { signToken, TEST_SECRET } from '../environment/tokens.ts'

jest.setTimeout(60_000)

const API_KEY = `sk-${randomBytes(24).toString('hex')}`
const ENCRYPTION_KEY = randomBytes(32).toString('base64')
const TEXT = 'marker-of-a-text-that-stays-private'

let folder = ''
let models: ModelServer
let service: ServiceProcess
let token = ''

/** A process as in production, whose provider repeats the key in its error, as some do. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatbox-secrets-'))
  models = await startModelServer()
  models.answer(sendStatus(401, JSON.stringify({ error: { message: `bad key ${API_KEY}` } })))
  token = await signToken({ sub: 'carla' })
  service = await startService('standalone', {
    env: {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      DATA_DIR: join(folder, 'data'),
      JWT_SECRET: TEST_SECRET,
      ENCRYPTION_KEYS: `k1:${ENCRYPTION_KEY}`,
      ALLOWED_ORIGINS: 'https://www.site.org',
      LOG_LEVEL: 'trace',
      JWT_SECERT: 'a slip of the pen',
      LLM_PROVIDER_1_ENDPOINT: `${models.url}/v1`,
      LLM_PROVIDER_1_API_KEY: API_KEY,
      LLM_PROVIDER_1_MODEL: 'm',
    },
  })
})
afterAll(async () => {
  await service.kill()
  await models.stop()
  await rm(folder, { recursive: true, force: true })
})

describe('what a process in production says', () => {
  it('holds no secret and no text, in logs, metrics and errors alike', async () => {
    const user = await openChatUser({ url: service.url, token })
    const { session } = await user.open()
    await user.send(session, TEXT)
    const { message } = await user.waitFor(
      'message:new',
      ({ message: m }) => m.sender.type === 'ai',
    )
    expect(message).toMatchObject({ status: 'failed', error: { retryable: false } })
    user.close()
    await openChatUser({ url: service.url, token: `${token}x` }).catch(() => undefined)
    await fetch(`${service.url}/chatbox/api/sessions?token=${token}`)
    const metrics = await fetch(`http://127.0.0.1:${service.managementPort}/metrics`)
    const said = [await metrics.text(), JSON.stringify(message)]
    expect(await service.stop()).toMatchObject({ code: 0 })
    said.push(service.output())
    for (const secret of [API_KEY, ENCRYPTION_KEY, TEST_SECRET, token, TEXT]) {
      expect(said.join('\n')).not.toContain(secret)
    }
  })

  it('is one line of JSON for each thing that happened', () => {
    const lines = service.output().trim().split('\n')
    const parsed = lines.map((line): unknown => JSON.parse(line))
    expect(parsed).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ level: 'info', service: 'standalone', msg: 'ready' }),
        expect.objectContaining({ level: 'warn', name: 'JWT_SECERT', meant: 'JWT_SECRET' }),
        expect.objectContaining({ level: 'info', msg: 'ended' }),
        expect.objectContaining({
          requestId: expect.any(String),
          sessionId: expect.any(String),
          modelId: 'model-1',
        }),
      ]),
    )
  })
})
