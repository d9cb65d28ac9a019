import fc from 'fast-check'
import type { AnswerPlan, SampleSession, SampleWorld } from './sample-world.ts'

/** Sends a message that fails and is not sent again. */
export const PLANTER = 'planter'

/** One step in a sample world. Numbers pick from what exists. */
export type Step =
  | { do: 'send'; session: number; fate: 'ok' | 'unknown-stored' | 'unknown' | 'refused' }
  | { do: 'overlap'; session: number; order: boolean[] }
  | { do: 'resend'; session: number; pick: number }
  | { do: 'answer'; session: number; plan: AnswerPlan }
  | { do: 'retry' | 'sync' | 'leave' | 'come-back'; session: number; pick: number }
  | { do: 'take-over' | 'give-back'; session: number }

const session = fc.nat(10)
const plan: fc.Arbitrary<AnswerPlan> = fc.record({
  cut: fc.array(fc.nat(5), { maxLength: 3 }),
  tokens: fc.integer({ min: 1, max: 8 }),
  sent: fc.nat(8),
  ending: fc.constantFrom('complete', 'complete', 'stopped', 'incomplete', 'failed'),
  joinsAt: fc.nat(4),
})

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('send' as const),
    session,
    fate: fc.constantFrom('ok', 'ok', 'ok', 'unknown-stored', 'unknown', 'refused'),
  }),
  fc.record({
    do: fc.constant('overlap' as const),
    session,
    order: fc.array(fc.boolean(), { minLength: 2, maxLength: 5 }),
  }),
  fc.record({ do: fc.constant('resend' as const), session, pick: fc.nat(100) }),
  fc.record({ do: fc.constant('answer' as const), session, plan }),
  fc.record({
    do: fc.constantFrom('retry', 'sync', 'sync', 'leave', 'come-back'),
    session,
    pick: fc.nat(1),
  }),
  fc.record({ do: fc.constantFrom('take-over', 'give-back', 'give-back'), session }),
)

export const steps: fc.Arbitrary<Step[]> = fc.array(step, { maxLength: 40 })

export function runStep(world: SampleWorld, one: Step): void {
  const chosen = world.sessions[one.session % world.sessions.length]
  if (!chosen) return
  switch (one.do) {
    case 'send':
      send(world, chosen, one.fate)
      break
    case 'overlap':
      overlap(world, chosen, one.order)
      break
    case 'resend':
      resend(world, chosen, one.pick)
      break
    case 'answer':
      world.answer(chosen, one.plan)
      break
    case 'take-over':
      world.takeOver(chosen)
      break
    case 'give-back':
      world.giveBack(chosen)
      break
    case 'retry':
      world.retry(chosen)
      break
    case 'sync':
    case 'leave':
    case 'come-back':
      moveViewer(world, chosen, one)
      break
  }
}

function send(
  world: SampleWorld,
  chosen: SampleSession,
  fate: (Step & { do: 'send' })['fate'],
): void {
  const sent = world.begin(chosen, 'sender')
  if (fate === 'ok') world.acknowledge(sent, world.store(sent))
  if (fate === 'unknown-stored') world.store(sent)
  if (fate.startsWith('unknown')) world.fail(sent, 'unknown')
  if (fate === 'refused') world.fail(sent, 'fail')
}

/**
 * Sends from several senders at once. The messages are stored in any order and acknowledged in
 * another.
 */
function overlap(world: SampleWorld, chosen: SampleSession, order: boolean[]): void {
  const sends = order.map((isEarly, index) => ({
    isEarly,
    one: world.begin(chosen, `sender-${index}`),
  }))
  const early = sends.filter(({ isEarly }) => isEarly)
  const late = sends.filter(({ isEarly }) => !isEarly)
  const stored = [...early, ...late].map(({ one }) => ({ one, row: world.store(one) }))
  for (const { one, row } of stored.reverse()) world.acknowledge(one, row)
}

/** Sends a message again that is in the log. */
function resend(world: SampleWorld, chosen: SampleSession, pick: number): void {
  const known = world.sent.filter(
    (one) =>
      one.session === chosen &&
      one.sender !== PLANTER &&
      chosen.rows.some((row) => row.clientMessageId === one.clientMessageId),
  )
  const original = known[pick % Math.max(1, known.length)]
  if (!original) return
  const again = world.begin(chosen, 'sender', original)
  world.acknowledge(again, world.store(again))
}

function moveViewer(
  world: SampleWorld,
  chosen: SampleSession,
  one: Pick<Step & { do: 'sync' }, 'pick'> & { do: string },
): void {
  const viewer = chosen.viewers[one.pick]
  if (!viewer) return
  if (one.do === 'sync') world.sync(chosen, viewer)
  if (one.do === 'leave') world.leave(viewer)
  if (one.do === 'come-back') world.comeBack(chosen, viewer)
}
