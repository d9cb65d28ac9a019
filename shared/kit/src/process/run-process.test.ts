import { describe, expect, it } from '@jest/globals'
import { openParts } from './run-process.ts'

describe('openParts', () => {
  it('closes in the reverse order, once, also past a part that fails', async () => {
    const closed: string[] = []
    const parts = await openParts((opened) => {
      opened.add(async () => void closed.push('store'))
      opened.add(() => Promise.reject(new Error('stuck')))
      opened.add(async () => void closed.push('gateway'))
      return Promise.resolve(opened)
    })
    await expect(parts.close()).rejects.toThrow('some parts could not be closed')
    await parts.close()
    expect(closed).toEqual(['gateway', 'store'])
  })

  it('closes what was opened when the next part cannot be opened', async () => {
    const closed: string[] = []
    const opening = openParts((parts) => {
      parts.add(async () => void closed.push('store'))
      parts.add(() => Promise.reject(new Error('echo')))
      return Promise.reject(new Error('port taken'))
    })
    await expect(opening).rejects.toThrow('port taken')
    expect(closed).toEqual(['store'])
  })
})
