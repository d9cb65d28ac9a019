import { beforeEach, describe, expect, it } from '@jest/globals'
import { createTypedTextLab, settle, type } from './typed-text.test.support.ts'

describe('the text in the box and its user', () => {
  const lab = createTypedTextLab()
  beforeEach(() => lab.clear())

  it('belongs to the next user of its tab if it was typed before a user was known', async () => {
    const before = await lab.load(null)
    await type(before, 'typed early')
    expect((await lab.load(null)).text).toBe('typed early')
    expect((await lab.load('v', { tabId: 'another', isNewTab: true })).text).toBe('')
    before.setUser('u')
    await settle()
    expect(before.text).toBe('typed early')
    expect((await lab.load('u')).text).toBe('typed early')
    expect(await lab.stored()).toEqual(['typed early'])
  })

  it('is claimed also when the user is known before the storage was read', async () => {
    await type(await lab.load(null), 'typed early')
    const typed = lab.open()
    typed.setUser('u')
    await settle()
    expect([typed.text, await lab.stored()]).toEqual(['typed early', ['typed early']])
  })

  it('is never shown to another user, and again to its own', async () => {
    const typed = await lab.load('a')
    await type(typed, 'private of a')
    typed.setUser('b')
    expect(typed.text).toBe('')
    await settle()
    await type(typed, 'of b')
    expect((await lab.load('b', { tabId: 'new', isNewTab: true })).text).toBe('of b')
    typed.setUser('a')
    await settle()
    expect(typed.text).toBe('private of a')
    expect((await lab.load('b')).text).toBe('of b')
  })

  it('is shown once when its user comes back before the storage has answered', async () => {
    await type(await lab.load('a'), 'of a')
    const typed = lab.open()
    for (const userId of ['a', 'b', 'a']) typed.setUser(userId)
    await settle()
    expect([typed.text, await lab.stored()]).toEqual(['of a', ['of a']])
    for (const userId of ['b', 'a', 'b', 'a']) typed.setUser(userId)
    await settle()
    expect([typed.text, await lab.stored()]).toEqual(['of a', ['of a']])
  })

  it('stays with a visitor who signs in, in the open page and over a reload', async () => {
    const typed = await lab.load('visitor:1')
    await type(typed, 'typed before')
    typed.setUser('ann')
    expect(typed.text).toBe('typed before')
    await settle()
    expect([typed.text, await lab.stored()]).toEqual(['typed before', ['typed before']])
    expect((await lab.load('ann')).text).toBe('typed before')
    expect((await lab.load('visitor:1')).text).toBe('')
  })

  it('stays with a visitor who comes back signed in, below what they had typed before', async () => {
    await type(await lab.load('ann'), 'of yesterday')
    await type(await lab.load('visitor:1'), 'of today')
    const typed = await lab.load('ann')
    expect(typed.text).toBe('of yesterday\nof today')
    expect((await lab.load('ann')).text).toBe('of yesterday\nof today')
    expect(await lab.stored()).toEqual(['of yesterday\nof today'])
  })

  it('stays with a visitor who signs in before the storage has answered', async () => {
    await type(await lab.load('visitor:1'), 'kept')
    const typed = lab.open()
    typed.setUser('visitor:1')
    typed.onInput('and typed')
    typed.setUser('ann')
    await settle()
    expect([typed.text, await lab.stored()]).toEqual(['kept\nand typed', ['kept\nand typed']])
  })

  it('of a visitor is not found by a user who signs in in another tab', async () => {
    await type(await lab.load('visitor:1'), 'of the visitor')
    expect((await lab.load('ann', { tabId: 'another', isNewTab: true })).text).toBe('')
    expect(await lab.stored()).toEqual(['of the visitor'])
  })

  it.each([
    ['who signs out', 'ann', 'visitor:2'],
    ['who was another visitor', 'visitor:1', 'visitor:2'],
    ['who was signed in as somebody else', 'ann', 'ben'],
  ])('is not shown to the next user after one %s', async (_, former, next) => {
    const typed = await lab.load(former)
    await type(typed, 'private')
    typed.setUser(next)
    expect(typed.text).toBe('')
    await settle()
    expect(typed.text).toBe('')
    expect((await lab.load(next)).text).toBe('')
  })

  it('of a visitor is not shown to a user of whom another visitor has signed in', async () => {
    await type(await lab.load('visitor:1'), 'of a former visitor')
    await lab.load('visitor:2')
    expect((await lab.load('ann')).text).toBe('')
    expect(await lab.stored()).toEqual([])
  })

  it('stays with its user over several changes', async () => {
    const typed = await lab.load('visitor:1')
    await type(typed, 'one')
    typed.setUser('ann')
    await settle()
    typed.setUser('visitor:1')
    await settle()
    expect(typed.text).toBe('')
    await type(typed, 'two')
    typed.setUser('ann')
    await settle()
    expect([typed.text, await lab.stored()]).toEqual(['one\ntwo', ['one\ntwo']])
  })
})
