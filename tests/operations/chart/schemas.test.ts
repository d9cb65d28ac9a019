import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeUnless } from '../../support/describe-unless.ts'
import { writeSchemas } from './support/kube-schemas.ts'
import { CI_FILES, EVERYTHING, template } from './support/render.ts'
import { NO_TOOLS, runTool } from './support/tools.ts'

const SCHEMAS_MS = 300_000

interface Resource {
  kind: string
  status: string
  msg: string
}

describeUnless(NO_TOOLS)('kubeconform', () => {
  let folder = ''

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'chatbox-schemas-'))
    writeSchemas(folder)
  }, SCHEMAS_MS)

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** What is wrong with each object, and how many there were. */
  function check(manifests: string): { faults: string[]; count: number } {
    const location = join(folder, '{{.ResourceKind}}{{.KindSuffix}}.json')
    const args = ['-strict', '-verbose', '-output', 'json', '-schema-location', location]
    const { stdout } = runTool('kubeconform', args, manifests)
    const { resources } = JSON.parse(stdout) as { resources: Resource[] }
    const bad = resources.filter(({ status }) => status !== 'statusValid')
    return { faults: bad.map(({ kind, msg }) => `${kind}: ${msg}`), count: resources.length }
  }

  it.each(CI_FILES)('finds every object of %s valid', (file) => {
    const { faults, count } = check(template(file).stdout)
    expect(faults).toEqual([])
    expect(count).toBeGreaterThan(5)
  })

  it.each([
    ['minReplicas: ', 'minReplica: ', "additional properties 'minReplica' not allowed"],
    ['policyTypes: ', 'policyType: ', "additional properties 'policyType' not allowed"],
    ['containerPort: 8080', 'containerPort: http', 'want integer'],
    ['podMetricsEndpoints:', 'podMetricsEndpoint:', "additional properties 'podMetricsEndpoint'"],
    ['parentRefs:', 'parentRef:', "additional properties 'parentRef'"],
    ['averageUtilization:', 'targetAverageUtilization:', 'targetAverageUtilization'],
  ])('sees %s written %s', (right, wrong, says) => {
    const text = template(EVERYTHING).stdout
    expect(text).toContain(right)
    expect(check(text.replace(right, wrong)).faults.join('\n')).toContain(says)
  })
})
