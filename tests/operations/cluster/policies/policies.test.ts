import { describe, expect, it } from '@jest/globals'
import { findDifferences, mayReach } from './meant.ts'
import { toOrForm } from './or-form.ts'

const NAMESPACE = { namespaceSelector: { matchLabels: { a: 'b' } } }
const POD = { podSelector: { matchLabels: { c: 'd' } } }

describe('toOrForm', () => {
  it('takes the peers of one port apart, and nothing else', () => {
    const address = { ipBlock: { cidr: '192.0.2.0/24' } }
    const metrics = { ports: [{ port: 'management' }], from: [{ ...NAMESPACE, ...POD }] }
    const policy = {
      spec: {
        ingress: [
          { ports: [{ port: 'http' }], from: [{ ...NAMESPACE, ...POD }, address] },
          metrics,
        ],
      },
    }
    expect(toOrForm(policy, 'http').spec.ingress).toEqual([
      { ports: [{ port: 'http' }], from: [NAMESPACE, POD, address] },
      metrics,
    ])
  })

  it('is an error where there is no AND', () => {
    const policy = { spec: { ingress: [{ ports: [{ port: 'http' }], from: [POD] }] } }
    expect(() => toOrForm(policy, 'http')).toThrow('no peer of two conditions')
  })
})

describe('findDifferences', () => {
  it('names what is open and may not be, and what is blocked and may', () => {
    const matrix = {
      worker: { 'internet:443': 'ECONNREFUSED', 'internet:25': 'open', 'redis:6379': 'open' },
    }
    expect(findDifferences(matrix, mayReach)).toEqual([
      'worker > internet:443 is blocked',
      'worker > internet:25 is open',
    ])
  })
})
