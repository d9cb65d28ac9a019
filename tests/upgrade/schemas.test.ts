import * as contract from '@chatbox/contract'
import { describe, expect, it } from '@jest/globals'
import { catchallOf, walkSchemas, type Visit } from './schema-walk.ts'

/** What comes from outside, and is held to exactly what this version knows. */
const EDGE = {
  events: Object.fromEntries(
    Object.entries(contract.CLIENT_EVENTS).map(([name, { payload }]) => [name, payload]),
  ),
  routes: Object.fromEntries(
    Object.entries(contract.HTTP_ROUTES).map(([name, { params, query, body }]) => [
      name,
      { params, query, body },
    ]),
  ),
}
const edge = [...walkSchemas(EDGE)]
const ofEdge = new Set(edge.map(({ schema }) => schema))
/** Everything else that the contract says. */
const inside = [...walkSchemas({ ...contract })].filter(({ schema }) => !ofEdge.has(schema))

const isStrict = (schema: Visit['schema']): boolean => catchallOf(schema) === 'never'

/** Enums that no later version may extend, by the field that they are of. */
const CLOSED = new Map([
  ['kind', 'what is beyond these is read as `unknown`, without what it holds'],
])

describe('the schemas of the contract', () => {
  it('refuse a field too many in everything that comes from outside', () => {
    const objects = edge.filter(({ schema }) => schema._zod.def.type === 'object')
    expect(objects.length).toBeGreaterThan(20)
    expect(objects.filter(({ schema }) => !isStrict(schema)).map(({ path }) => path)).toEqual([])
  })

  it('refuse no field in anything else', () => {
    expect(inside.filter(({ schema }) => isStrict(schema)).map(({ path }) => path)).toEqual([])
    expect(inside.length).toBeGreaterThan(200)
  })

  it('have a reading for what a later version adds to an enum', () => {
    const open = inside.filter(({ schema }) => contract.openEnums.has(schema))
    const inOpen = new Set(
      open.flatMap(({ schema }) => [...walkSchemas(schema)].map((visit) => visit.schema)),
    )
    const closed = inside
      .filter(({ schema }) => schema._zod.def.type === 'enum' && !inOpen.has(schema))
      .filter(({ path }) => !CLOSED.has(path.at(-1) ?? ''))
    expect(closed.map(({ path }) => path)).toEqual([])
    expect(open.length).toBeGreaterThan(10)
  })
})
