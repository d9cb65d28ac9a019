import { isReady, listPods, type Pod } from '../kube/pods.ts'
import { startModels } from '../load/models.ts'
import { openLabSystem } from '../load/lab-system.ts'
import { measureAnswers } from '../load/answer-pause.ts'
import { countReconnects } from '../load/reconnects.ts'
import { LOAD, runUnderLoad, type LoadOutcome, type Underway } from '../load/under-load.ts'
import { watchProcesses, type ProcessWatch } from '../load/watch-processes.ts'
import { findGatewayAddress, findStores, upgrade } from '../release.ts'
import { startTimeline, type Timeline } from '../report/timeline.ts'
import { NEXT_TAG } from '../images.ts'
import { CHECKS } from '../../../fault/history.ts'
import type { Recorder } from '../../../fault/history.ts'
import type { SystemUnderTest } from '../../../fault/system/system-under-test.ts'
import { waitFor } from '../wait-for.ts'
import { NAMESPACE, RELEASE, selectorOf } from '../world.ts'
import { startMonitoring } from './monitoring.ts'
import type { Proof } from './part.ts'

const PODS = { before: 3, after: 2 }
/** So that 501 sockets are three pods' worth, and later two pods'. */
const THREE_PODS = {
  'gateway.autoscaling.minReplicas': PODS.before,
  'gateway.autoscaling.targetConnectionsPerPod': 200,
}
const TWO_PODS = {
  'gateway.autoscaling.minReplicas': PODS.after,
  'gateway.autoscaling.targetConnectionsPerPod': 300,
}
const NEXT = { 'image.tag': NEXT_TAG }
const PRODUCT = `app.kubernetes.io/instance=${RELEASE},app.kubernetes.io/component in (gateway,worker)`
const MOST_RECONNECTS_SHARE = 0.1
const LONGEST_PAUSE_MS = 10_000
const ROLLOUT_MS = 150_000

/** Moments of the history's clock. */
interface Span {
  fromMs: number
  toMs: number
}

/** To another version and to fewer pods, while people talk and answers are being written. */
export async function proveUpgrade(proof: Proof): Promise<void> {
  await startMonitoring()
  await upgrade(THREE_PODS)
  await waitFor('three gateways', async () => {
    return (await listPods(NAMESPACE, selectorOf('gateway'))).filter(isReady).length === PODS.before
  })
  const span: Span = { fromMs: 0, toMs: Infinity }
  let watch: ProcessWatch | undefined
  let timeline: Timeline | undefined
  let upgradeS = Infinity
  try {
    const outcome = await runUnderLoad(
      {
        folder: proof.folder,
        open: (recorder) => openSystem(proof, recorder),
        report: (line) => proof.checks.note(line),
      },
      async (underway) => {
        watch = watchProcesses(proof.api, underway.recorder, {
          namespace: NAMESPACE,
          selector: PRODUCT,
        })
        timeline = startTimeline(proof.api, () => underway.online())
        span.fromMs = underway.recorder.now()
        upgradeS = await rollOut(proof, underway, timeline)
        await scaleDown(proof, timeline)
        span.toMs = underway.recorder.now()
        timeline.stop()
      },
    )
    await judge(proof, { outcome, span, watch })
    keep(proof, { outcome, span, timeline, upgradeS })
  } finally {
    watch?.stop()
    timeline?.stop()
  }
}

async function openSystem(proof: Proof, recorder: Recorder): Promise<SystemUnderTest> {
  const { certificate, secrets } = proof
  const models = await startModels(certificate, { recorder, intervalMs: LOAD.tokenIntervalMs })
  const gateway = await findGatewayAddress()
  const { encryptionKey } = secrets
  const stores = await findStores(secrets)
  return openLabSystem({ recorder, models, gateway, encryptionKey, ...stores })
}

async function rollOut(
  { checks }: Proof,
  { system }: Underway,
  timeline: Timeline,
): Promise<number> {
  const before = new Set((await listPods(NAMESPACE, PRODUCT)).map(({ metadata }) => metadata.name))
  const streams = system.models.streaming()
  let tookS = Infinity
  await checks.check('helm upgrade to the next version under load', async () => {
    timeline.mark('helm upgrade')
    const startedAt = timeline.now()
    await upgrade({ ...THREE_PODS, ...NEXT })
    await waitFor('the end of the version before', () => areGone(before), ROLLOUT_MS)
    tookS = Math.round(timeline.now() - startedAt)
    timeline.mark('the version before is gone')
    return `${before.size} pods replaced in ${tookS} s, ${streams} answers under way at its start`
  })
  return tookS
}

async function scaleDown({ checks }: Proof, timeline: Timeline): Promise<void> {
  await checks.check('scale-down under load', async () => {
    timeline.mark('scale-down')
    await upgrade({ ...TWO_PODS, ...NEXT })
    await waitFor(
      'two gateways',
      () => {
        const last = timeline.samples.at(-1)
        return last?.ready === PODS.after && last.wanted === PODS.after && last.leaving === 0
      },
      ROLLOUT_MS,
    )
    return `${PODS.before} to ${PODS.after} gateways, by the autoscaler`
  })
}

/** Also those that are still being drained count as there. */
async function areGone(names: ReadonlySet<string>): Promise<boolean> {
  const pods: Pod[] = await listPods(NAMESPACE, PRODUCT, { withLeaving: true })
  return !pods.some(({ metadata }) => names.has(metadata.name))
}

interface Seen {
  outcome: LoadOutcome
  span: Span
  watch: ProcessWatch | undefined
}

async function judge({ checks }: Proof, { outcome, span, watch }: Seen): Promise<void> {
  const { counts, findings, looked } = outcome.checks
  for (const name of CHECKS) {
    await checks.check(`under load: ${name}`, async () => {
      const first = findings.find(({ check }) => check === name)
      if (counts[name] > 0) throw new Error(`${counts[name]}, such as: ${first?.message ?? ''}`)
      return '0'
    })
  }
  await checks.check('under load: everything came to rest', async () => {
    if (outcome.notes.length > 0) throw new Error(outcome.notes.join('; '))
    return `${looked.acknowledged} messages acknowledged, ${looked.repliesComplete} answers complete`
  })
  await checks.check('no second in which more than a tenth of the sockets reconnect', async () => {
    const { total, mostInASecond } = countReconnects(outcome.history, span)
    const share = mostInASecond / outcome.sockets
    const text = `at most ${mostInASecond} of ${outcome.sockets} in a second, ${total} in all, clients at most ${outcome.lateMs} ms late`
    if (share > MOST_RECONNECTS_SHARE || total === 0) throw new Error(text)
    return text
  })
  await checks.check('answers go on', async () => {
    const { finished, longestPauseMs } = measureAnswers(outcome.history, span)
    const text = `${finished} finished, at least one every ${longestPauseMs} ms, ${looked.repliesFailed} failed`
    if (longestPauseMs > LONGEST_PAUSE_MS || looked.repliesFailed !== 0) throw new Error(text)
    return text
  })
  await checks.check('every process that was asked to end did so with exit code 0', async () => {
    const ends = watch?.ends ?? []
    if (ends.length === 0 || ends.some(({ code }) => code !== 0))
      throw new Error(JSON.stringify(ends))
    return `${ends.length} processes`
  })
  for (const error of watch?.errors ?? []) checks.note(error)
}

function keep(
  { record }: Proof,
  {
    outcome,
    span,
    timeline,
    upgradeS,
  }: Omit<Seen, 'watch'> & {
    timeline: Timeline | undefined
    upgradeS: number
  },
): void {
  const { total, mostInASecond, perSecond } = countReconnects(outcome.history, span)
  const { counts, looked } = outcome.checks
  record.upgrade = {
    samples: [...(timeline?.samples ?? [])],
    marks: [...(timeline?.marks ?? [])],
    sockets: outcome.sockets,
    tookS: upgradeS,
    reconnects: { total, mostInASecond, perSecond: perSecond.map(({ count }) => count) },
    answers: measureAnswers(outcome.history, span),
    checks: { counts, looked },
  }
}
