import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createChatChannel } from '../../../services/worker/src/channels/http/chat-channel.ts'
import { post } from '../../../services/worker/src/channels/http/post.ts'
import {
  createPublicLookup,
  type Resolve,
} from '../../../services/worker/src/channels/http/public-lookup.ts'
import { NOTICE } from './channels.support.ts'
import { startWebServer, type WebServer } from './web-server.ts'

let server: WebServer

beforeEach(async () => {
  server = await startWebServer({})
})
afterEach(() => server.close())

function send(host: string, allowPrivate = false) {
  const url = new URL(`http://${host}:${server.port}/hook`)
  const channel = createChatChannel({ url, allowPrivate, timeoutMs: 2000 })
  return channel.send(NOTICE, AbortSignal.timeout(10_000))
}

describe('a private address', () => {
  it.each([
    'localhost',
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0.0.0.0',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[fd00::1]',
    '[fe80::1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[2001::1]',
  ])('%s is not connected to', async (host) => {
    const delivery = await send(host)
    expect(delivery).toMatchObject({ outcome: 'failed', fault: 'private-address', route: {} })
    expect(server.posts).toEqual([])
  })

  it('is connected to if the settings allow it', async () => {
    await expect(send('localhost', true)).resolves.toMatchObject({ outcome: 'delivered' })
  })
})

it('is not connected to by a name that was public when it was looked up before', async () => {
  const answers = ['93.184.215.14', '127.0.0.1']
  const resolve: Resolve = (_name, _options, callback) => {
    callback(null, [{ address: answers.shift() ?? '', family: 4 }])
  }
  const before = await new Promise((done) => {
    createPublicLookup(resolve)('rebind.site.org', {}, (_error, address) => done(address))
  })
  expect(before).toBe('93.184.215.14')
  const url = new URL(`http://rebind.site.org:${server.port}/hook`)
  const options = { route: {}, allowPrivate: false, resolve }
  const posting = post({ url, headers: {}, body: '{}' }, options, AbortSignal.timeout(10_000))
  await expect(posting).rejects.toThrow('private network')
  expect(answers).toEqual([])
  expect(server.posts).toEqual([])
})

it('is left out where a name has public ones too', async () => {
  const resolve: Resolve = (_name, _options, callback) => {
    const addresses = ['10.0.0.1', '93.184.215.14', '127.0.0.1']
    callback(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    )
  }
  const all = await new Promise((done) => {
    createPublicLookup(resolve)('site.org', { all: true }, (_error, found) => done(found))
  })
  expect(all).toEqual([{ address: '93.184.215.14', family: 4 }])
})
