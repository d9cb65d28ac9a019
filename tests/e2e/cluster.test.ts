import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { buildWeb } from '../../scripts/build-web.ts'
import { findFreePort } from '../environment/servers/ports.ts'
import { startBalancer, type Balancer } from '../environment/servers/balancer.ts'
import { describeUnless } from '../support/describe-unless.ts'
import { findClusterSkipReason } from '../support/describe-with-cluster.ts'
import { startTestCluster, type TestCluster } from '../environment/cluster.ts'
import { textOfTokens } from '../environment/model-server.ts'
import { browserSkipReason } from './support/browser.ts'
import { useChatPages } from './support/chat-page.ts'

const describeWithBoth = describeUnless(browserSkipReason ?? (await findClusterSkipReason()))

describeWithBoth('chat page on a cluster of two gateways and two workers', () => {
  let cluster: TestCluster
  /** One address for each gateway: what a browser opens decides which gateway it is on. */
  let doors: Balancer[]
  const pages = useChatPages()

  beforeAll(async () => {
    const ports = [await findFreePort(), await findFreePort()]
    const origins = ports.map((port) => `http://127.0.0.1:${port}`).join(',')
    await buildWeb()
    cluster = await startTestCluster({ ALLOW_VISITORS: 'true', ALLOWED_ORIGINS: origins })
    doors = await Promise.all(
      cluster.gateways.map((gateway, index) =>
        startBalancer([gateway.port], { port: ports[index] ?? 0 }),
      ),
    )
  }, 120_000)

  afterAll(async () => {
    await Promise.all(doors.map((door) => door.close()))
    await cluster.stop()
  }, 60_000)

  const urlOf = (index: number): string => `${doors[index]?.url ?? ''}/chatbox/`

  it('shows two browsers on different gateways the same messages and the same growing answer', async () => {
    const one = await pages.open(urlOf(0))
    await one.ask('hello tokens=5')
    await one.waitForReply(1)
    const storageState = await one.page.context().storageState()
    const other = await pages.open(urlOf(1), { storageState })
    await other.questions.getByText('hello').waitFor()

    await one.ask('and now tokens=150')
    await one.draft.getByText('t20').waitFor()
    await other.draft.getByText('t20').waitFor()
    const texts = await Promise.all([one.waitForReply(2), other.waitForReply(2)])
    const whole = textOfTokens(150).trim()
    for (const text of texts) expect(text).toContain(whole)
    expect(await other.questions.allInnerTexts()).toEqual(await one.questions.allInnerTexts())

    await other.ask('from the other side tokens=3')
    await one.questions.getByText('from the other side').waitFor()
    await one.waitForReply(3)
  }, 60_000)

  it('goes on with an answer on the other gateway, and stops it from there', async () => {
    const one = await pages.open(urlOf(0))
    await one.ask('tokens=600')
    await one.draft.getByText('t20').waitFor()
    const storageState = await one.page.context().storageState()
    await one.page.close()
    const other = await pages.open(urlOf(1), { storageState })
    await other.draft.getByText('t20').waitFor()
    await other.page.getByRole('button', { name: 'Stop the answer' }).click()
    const text = await other.waitForReply(1)
    expect(text).toContain('Stopped')
    expect(text).not.toContain('t599')
  }, 60_000)

  it('moves a page to another gateway when its own goes away, in the middle of an answer', async () => {
    const port = Number(new URL(urlOf(0)).port)
    await doors[0]?.close()
    doors[0] = await startBalancer(
      cluster.gateways.map((gateway) => gateway.port),
      { port },
    )
    const chat = await pages.open(urlOf(0), { allowNetworkErrors: true })
    await chat.ask('tokens=300')
    await chat.draft.getByText('t20').waitFor()
    await cluster.gateways[0]?.stop()
    const text = await chat.waitForReply(1)
    expect(text).toContain(textOfTokens(300).trim())
  }, 60_000)
})
