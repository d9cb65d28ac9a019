import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { CLIENT_EVENTS, HTTP_ROUTES } from '@chatbox/contract'
import { readTables } from '../support/read-tables.ts'

const PAGE = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
const TABLES = readTables(PAGE)

interface Shape {
  shape: Record<string, { safeParse(value: undefined): { success: boolean } }>
}

/** `{a, b?: 1..9}` as its fields, each with a question mark where it may be left out. */
function fieldsIn(cell = ''): string[] {
  const inner = /\{(.*?)\}/u.exec(cell)?.[1] ?? ''
  const fields = inner.split(',').map((field) => /^\s*(\w+\??)/u.exec(field)?.[1] ?? '')
  return fields.filter((field) => field !== '').toSorted()
}

function fieldsOf({ shape }: Shape): string[] {
  const toField = ([name, field]: [string, Shape['shape'][string]]): string =>
    `${name}${field.safeParse(undefined).success ? '?' : ''}`
  return Object.entries(shape).map(toField).toSorted()
}

describe('the page of the protocol', () => {
  it('has each event of a client, with its payload and the data of its acknowledgement', () => {
    const rows = TABLES.find(([head]) => head?.[0] === 'Event' && head[1] === 'Who')?.slice(1)
    expect(
      rows?.map(([event, , payload, data]) => [event, fieldsIn(payload), fieldsIn(data)]),
    ).toEqual(
      Object.entries(CLIENT_EVENTS).map(([event, { payload, data }]) => [
        event,
        fieldsOf(payload),
        fieldsOf(data),
      ]),
    )
  })

  it('has each route, with its query and its answer', () => {
    const rows = TABLES.find(([head]) => head?.[0] === 'Method and path')?.slice(1)
    expect(
      rows?.map(([way = '', , answer]) => {
        const [path = '', query = ''] = way.split('?')
        return [path, [...new URLSearchParams(query).keys()].toSorted(), fieldsIn(answer)]
      }),
    ).toEqual(
      Object.values(HTTP_ROUTES).map((route) => [
        `${route.method.toUpperCase()} /api${route.path}`,
        Object.keys(route.query.shape).toSorted(),
        route.kind === 'json' ? fieldsOf(route.response) : [],
      ]),
    )
  })
})
