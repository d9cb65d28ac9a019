import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { startService, type ServiceProcess } from '../../scripts/servers/processes.ts'
import { openChatUser } from '../support/chat-user.ts'
import {
  startHostileModelServer,
  type HostileModelServer,
} from '../support/hostile-model-server.ts'
import { TEST_SECRET } from '../support/tokens.ts'

jest.setTimeout(60_000)

/** Far below what three tries would take under the default bound. */
const TOLD_WITHIN_MS = 20_000

describe('a model that takes the question and says nothing', () => {
  let folder = ''
  let model: HostileModelServer
  let service: ServiceProcess

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatbox-silent-'))
    model = await startHostileModelServer()
    model.answer(() => undefined)
    const env = {
      DATA_DIR: join(folder, 'data'),
      JWT_SECRET: TEST_SECRET,
      LLM_FIRST_TOKEN_TIMEOUT: '1s',
      LLM_PROVIDER_1_ENDPOINT: `${model.url}/v1`,
      LLM_PROVIDER_1_API_KEY: 'any-word',
      LLM_PROVIDER_1_MODEL: 'silent',
    }
    service = await startService('standalone', { env })
  })
  afterAll(async () => {
    await service.kill()
    await model.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('is given up after LLM_FIRST_TOKEN_TIMEOUT, and the user is told', async () => {
    const user = await openChatUser({ url: service.url })
    const { session } = await user.open()
    const asked = await user.send(session, 'Is anybody there?')
    const { message } = await user.waitFor(
      'message:new',
      (event) => event.message.replyTo === asked.id,
      TOLD_WITHIN_MS,
    )
    expect(message).toMatchObject({ status: 'failed', error: { code: 'LLM_TIMEOUT' } })
    user.close()
  })
})
