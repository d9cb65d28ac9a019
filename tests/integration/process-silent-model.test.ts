import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { startStandalone, toModelSettings } from '../environment/cluster.ts'
import { hang, startModelServer, type ModelServer } from '../environment/model-server.ts'
import type { ServiceProcess } from '../environment/servers/processes.ts'
import { openChatUser } from '../support/chat-user.ts'

jest.setTimeout(60_000)

/** Far below what three tries would take under the default bound. */
const TOLD_WITHIN_MS = 20_000

describe('a model that takes the question and says nothing', () => {
  let model: ModelServer
  let service: ServiceProcess

  beforeAll(async () => {
    model = await startModelServer(hang())
    const timeout = { LLM_FIRST_TOKEN_TIMEOUT: '1s' }
    service = await startStandalone({ ...toModelSettings(model.url), ...timeout })
  })
  afterAll(async () => {
    await service.stop()
    await model.stop()
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
