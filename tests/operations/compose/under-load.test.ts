import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { openChatUser } from '../../support/chat-user.ts'
import { describeUnless } from '../../support/describe-unless.ts'
import { waitUntil } from '../../environment/wait-until.ts'
import { listQueries } from '../observability/boards.ts'
import { buildImage } from '../support/docker.ts'
import { makeStandIns, STAND_INS, type StandInName } from './stand-ins/make.ts'
import { ComposeProject } from './support/compose-project.ts'
import { findCompose } from './support/find-compose.ts'
import { Observer } from './support/observe.ts'
import { runLoad } from './support/run-load.ts'

const tools = findCompose()
const BUILD_TIMEOUT_MS = 10 * 60_000
const LOAD_TIMEOUT_MS = 5 * 60_000
const DATA_TIMEOUT_MS = 150_000
const REPLY_TIMEOUT_MS = 30_000

/** What only a fault moves, and the breakers, which the demo has none of. */
const QUIET =
  /ALERTS|payloads_refused|reconciled_total|backend_failures|rate_limited|open_breakers|outcome="failed"/u

describeUnless(typeof tools === 'string' ? tools : undefined)('compose under load', () => {
  let project: ComposeProject

  beforeAll(async () => {
    if (typeof tools === 'string') throw new Error(tools)
    await buildImage(tools.docker)
    await makeStandIns(tools.docker, Object.keys(STAND_INS) as StandInName[])
    project = await ComposeProject.create(tools)
  }, BUILD_TIMEOUT_MS)
  afterAll(() => project.remove(), LOAD_TIMEOUT_MS)

  it(
    'loses nothing, doubles nothing and keeps one order while gateways and workers are killed',
    async () => {
      const { checks, nemeses, notes } = await runLoad(project)
      expect({ findings: checks.findings, notes }).toEqual({ findings: [], notes: [] })
      for (const { done, failed } of nemeses) {
        expect(failed).toBe(0)
        expect(done).toBeGreaterThan(0)
      }
      expect(checks.looked.acknowledged).toBeGreaterThan(100)
      expect(checks.looked.repliesComplete).toBeGreaterThan(20)
      expect(checks.looked.returns).toBeGreaterThan(0)
    },
    LOAD_TIMEOUT_MS,
  )

  it('does not open Grafana with the password that everybody knows', async () => {
    project.profiles = ['observe']
    const { code, stderr } = await project.attempt('run', '--rm', '--no-deps', 'grafana')
    expect(code).not.toBe(0)
    expect(stderr).toContain('GRAFANA_PASSWORD is missing')
  }, 60_000)

  it(
    'shows every board with data from all processes, and knows every rule',
    async () => {
      const observer = await Observer.addTo(project, 'of-this-run-alone')
      await project.up()
      await waitUntil(() => observer.health(), 60_000)
      expect(await observer.statusFor('admin')).toBe(401)
      expect((await observer.boards()).sort()).toEqual([
        'chatbox-gateways',
        'chatbox-overview',
        'chatbox-workers',
      ])
      const all = ['gateway', 'gateway', 'worker', 'worker'].map((name) => `chatbox-${name} up`)
      await waitUntil(async () => (await observer.targets()).join() === all.join(), 60_000)

      const missing = new Map(
        listQueries()
          .filter(({ expr }) => !QUIET.test(expr))
          .map(({ where, expr }) => [where, expr]),
      )
      await waitUntil(async () => {
        await makeTraffic()
        for (const [where, expr] of missing) {
          if (await observer.hasData(expr)) missing.delete(where)
        }
        return missing.size === 0
      }, DATA_TIMEOUT_MS).catch(() => undefined)
      expect([...missing]).toEqual([])
      for (const { expr } of listQueries()) await observer.hasData(expr)

      const rules = await observer.rules()
      expect(rules.length).toBeGreaterThan(20)
      expect(rules.filter(({ health }) => health !== 'ok')).toEqual([])
    },
    LOAD_TIMEOUT_MS,
  )

  it('mails an alert to the catcher', async () => {
    const alerts = [{ labels: { alertname: 'ChatboxTried', severity: 'page' } }]
    await project.runBeside(
      await project.id('alertmanager'),
      `const body = ${JSON.stringify(JSON.stringify(alerts))}
       const headers = { 'content-type': 'application/json' }
       const url = 'http://127.0.0.1:9093/api/v2/alerts'
       const { status } = await fetch(url, { method: 'POST', headers, body })
       if (status !== 200) process.exit(1)`,
    )
    const mails = `http://127.0.0.1:${project.env.MAILPIT_PORT}/api/v1/messages`
    await waitUntil(
      async () => (await (await fetch(mails)).text()).includes('ChatboxTried'),
      30_000,
    )
  }, 60_000)

  /** A person who asks, reads and comes back, and one who is not let in. */
  async function makeTraffic(): Promise<void> {
    const url = `http://127.0.0.1:${project.port}`
    const user = await openChatUser({ url })
    const { session } = await user.open()
    const question = await user.send(session, '#traffic.1.0.aa tokens=3')
    await user.waitFor(
      'message:new',
      ({ message }) => message.replyTo === question.id,
      REPLY_TIMEOUT_MS,
    )
    await user.open({ sessionId: session.id, afterSeq: 1 })
    await expect(openChatUser({ url, token: 'none' })).rejects.toThrow()
    await fetch(`${url}/chatbox/api/models`)
    user.close()
  }
})
