import { expect, it } from '@jest/globals'
import { describeStore } from './store.contract.ts'
import type { StoreHarness } from './store.support.ts'
import {
  describeWithMongo,
  openMongoHarness,
  openMongoLab,
  type MongoLab,
} from './mongo.support.ts'

/** So often each place is tried, in whatever state the log is then. */
const TRIES = 3

const tries = new Map<string, number>()
const accepted = new Set<string>()
/** Calls that are under way, and all there were: what is written beside another one says nothing. */
const calls = { now: 0, ever: 0 }
const written = new Set<string>()

type Path = readonly string[]

function listPaths(value: unknown, path: Path = []): Path[] {
  if (!isObject(value)) return [path]
  const inside = Object.entries(value).flatMap(([key, held]) => listPaths(held, [...path, key]))
  return path.length === 0 ? inside : [path, ...inside]
}

const PAGE = ['afterSeq', 'beforeSeq', 'cursor', 'maxLength']
/** A question may have none of these. */
const OPTIONAL = ['payer', 'lane', 'isChecked']
/** A list of all sessions may be bounded by none of these. */
const BOUNDS = ['status', 'userId', 'from', 'to', 'after']
/** What a port lets a caller leave out, and what it keeps as it comes. */
const LEFT_OUT = [
  ...['create 0.browser', 'use 1', 'group 0.passOver', 'noteChannels 0.0.kind'],
  ...['open 0.sessionId', 'open 0.about', 'append 0.sessionId', 'append 0.target'],
  ...['list 0.rule', 'list 0.state', 'list 0.after', 'list 0.actor', 'list 0.action'],
  ...['noteChannels 0.0', 'noteChannels 0.0.recipient'],
]
/** An alert is saved by its claim, and all of it may be told of a claim. */
const SAVED = ['0', '0.id', '0.epoch', '1', '1.state']
const KEY = ['', 'sessionId', 'messageId']
const CLAIM = [...KEY, 'replyId', 'epoch']
const ENTRY = ['', 'message', 'message.id', 'message.sessionId']

/** Whether something is decided by it: not by what an entry says, nor by all of the reply that serves as a key. */
function isDecisive(name: string, [first]: unknown[], path: Path): boolean {
  const [argument, ...inside] = path
  const field = inside.join('.')
  if (name === 'save') return SAVED.includes(path.join('.'))
  if (LEFT_OUT.includes(`${name} ${path.join('.')}`)) return false
  if (isObject(first) && argument === '0') {
    if ('message' in first) return ENTRY.includes(field)
    if ('sort' in first) return !BOUNDS.includes(field)
    const isKey = /^(?:claim|settle|findCommitted)/u.test(name)
    if ('questionSeq' in first) return (isKey ? KEY : CLAIM).includes(field)
  }
  return ![...PAGE, ...OPTIONAL].includes(field)
}

/** A call that reads, or finds nothing to change, may not come to look at it. It has written nothing then. */
function mustRefuse(name: string, path: Path): boolean {
  if (name === 'prepareAppend' || (name === 'findHead' && path[0] === '1')) return false
  // The time of a lease where nothing is due, and a group or a place that another one has.
  if (name === 'claimDue' || name === 'group' || name === 'takePlace') return false
  return !['replyId', 'epoch', 'modelId', 'askedAt', 'limit', 'forMs'].includes(path.at(-1) ?? '')
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof Date)
}

function without(value: unknown, [key, ...rest]: Path): unknown {
  if (key === undefined) return undefined
  const copy: object = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }
  Reflect.set(copy, key, without(Reflect.get(copy, key), rest))
  return copy
}

type Method = (...args: unknown[]) => Promise<unknown>

/** Calls everything with an undefined in each place first, which must be refused and leave no trace. */
function tamper<T extends object>(port: T, lab: MongoLab): T {
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value === 'object' && value !== null) return tamper(value, lab)
      if (typeof value !== 'function') return value
      return async (...args: unknown[]) => {
        const method = value.bind(target) as Method
        for (const path of listPaths(args)) {
          await tryWithout({ name: String(name), method, args, path }, lab)
        }
        return count(() => method(...args))
      }
    },
  })
}

interface Call {
  name: string
  method: Method
  args: unknown[]
  path: Path
}

async function tryWithout(call: Call, lab: MongoLab): Promise<void> {
  const { name, method, args, path } = call
  const place = `${name} ${path.join('.')}`
  const tried = tries.get(place) ?? 0
  if (tried === TRIES || !isDecisive(name, args, path)) return
  tries.set(place, tried + 1)
  await count(async () => {
    const isAlone = calls.now === 1
    const before = { calls: calls.ever, documents: await dump(lab) }
    const isRefused = await method(...(without(args, path) as unknown[])).then(
      () => false,
      () => true,
    )
    if (!isRefused && mustRefuse(name, path)) accepted.add(place)
    const isChanged = (await dump(lab)) !== before.documents
    if (isChanged && isAlone && calls.ever === before.calls) written.add(place)
  })
}

async function count<T>(call: () => Promise<T>): Promise<T> {
  calls.now++
  calls.ever++
  return call().finally(() => calls.now--)
}

async function dump({ db }: MongoLab): Promise<string> {
  const documents = await Promise.all(
    [
      'messages',
      'conversations',
      'alerts',
      'alertPlaces',
      'audit',
      'desk_entries',
      'desk_drafts',
    ].map((name) => db.collection(name).find().sort({ _id: 1 }).toArray()),
  )
  return JSON.stringify(documents)
}

async function openTampered(): Promise<StoreHarness> {
  const lab = await openMongoLab()
  const harness = await openMongoHarness(lab)
  return {
    ...harness,
    store: tamper(harness.store, lab),
    openSecond: async () => tamper(await harness.openSecond(), lab),
  }
}

describeWithMongo('with an undefined in each place of each call', () => {
  describeStore(openTampered)

  it('is refused, and nothing is written', () => {
    expect(tries.size).toBeGreaterThan(0)
    expect({ accepted: [...accepted], written: [...written] }).toEqual({
      accepted: [],
      written: [],
    })
  })
})
