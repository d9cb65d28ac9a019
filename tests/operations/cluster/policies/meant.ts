import type { Outcomes } from './connect.ts'

/** What each pod of the product may reach, besides itself. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  gateway: ['dns:53/udp', 'dns:53/tcp', 'redis:6379', 'mongodb:27017'],
  worker: ['dns:53/udp', 'dns:53/tcp', 'redis:6379', 'mongodb:27017', 'internet:443'],
  redis: ['redis:6379'],
  mongodb: ['mongodb:27017'],
  test: ['dns:53/udp', 'dns:53/tcp', 'gateway:8080'],
}
/** What a stranger may reach of the product. */
const ADMITTED: Readonly<Record<string, readonly string[]>> = {
  'ingress, right label': ['gateway:8080'],
  'monitoring, right label': ['gateway:9090', 'worker:9090'],
}
/** Nothing holds a stranger back on its way elsewhere. */
const WORLD = ['dns:53/udp', 'dns:53/tcp', 'internet:443', 'internet:25', 'api:443', 'stranger:443']

export function mayReach(actor: string, target: string): boolean {
  const own = OWN[actor]
  if (own) return own.includes(target)
  return WORLD.includes(target) || (ADMITTED[actor]?.includes(target) ?? false)
}

/** By the actor's name. */
export type Matrix = Record<string, Outcomes>

/** Pairs such as `evil > gateway:8080` that are open. */
export function openPairs(matrix: Matrix): string[] {
  return toPairs(matrix, (outcome) => outcome === 'open')
}

/** Every pair that `may` reach and does not, or does and may not, in words. */
export function findDifferences(
  matrix: Matrix,
  may: (actor: string, target: string) => boolean,
): string[] {
  const missing = toPairs(matrix, (outcome, actor, target) => {
    return outcome !== 'open' && may(actor, target)
  })
  const extra = toPairs(matrix, (outcome, actor, target) => {
    return outcome === 'open' && !may(actor, target)
  })
  return [...missing.map((pair) => `${pair} is blocked`), ...extra.map((pair) => `${pair} is open`)]
}

type Choice = (outcome: string, actor: string, target: string) => boolean

function toPairs(matrix: Matrix, isWanted: Choice): string[] {
  return Object.entries(matrix).flatMap(([actor, outcomes]) =>
    Object.entries(outcomes)
      .filter(([target, outcome]) => isWanted(outcome, actor, target))
      .map(([target]) => `${actor} > ${target}`),
  )
}
