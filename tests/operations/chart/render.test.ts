import { describe, expect, it } from '@jest/globals'
import { describeUnless } from '../../support/describe-unless.ts'
import { CI_FILES, ciPath, render, template } from './support/render.ts'
import { CHART, NO_TOOLS, runTool } from './support/tools.ts'

const HELMS = ['helm', 'helm3'] as const
const KUBE_VERSIONS = ['1.30.0', '1.36.0']

describeUnless(NO_TOOLS)('the chart, with the values of', () => {
  describe.each(CI_FILES)('%s', (file) => {
    it.each(HELMS)('satisfies lint of %s', (helm) => {
      const args = ['lint', '--strict', CHART, '--values', ciPath(file), '--kube-version', '1.36.0']
      const { status, stdout, stderr } = runTool(helm, args)
      expect({ status, output: stdout + stderr }).toMatchObject({
        status: 0,
        output: expect.stringContaining('0 chart(s) failed'),
      })
    })

    it('is the same from both Helms', () => {
      const byName = (helm: 'helm' | 'helm3') =>
        new Map(render(file, { helm }).map((each) => [`${each.kind} ${each.metadata.name}`, each]))
      const manifests = byName('helm')
      expect(byName('helm3')).toEqual(manifests)
      expect(manifests.size).toBeGreaterThan(5)
    })

    it.each(HELMS)('is the same each time from %s', (helm) => {
      expect(template(file, { helm }).stdout).toBe(template(file, { helm }).stdout)
    })

    it('is the same for the oldest and the newest Kubernetes', () => {
      const [oldest, newest] = KUBE_VERSIONS.map((kubeVersion) => render(file, { kubeVersion }))
      expect(oldest).toEqual(newest)
    })
  })

  it('refuses a Kubernetes that knows no pause without a shell', () => {
    for (const helm of HELMS) {
      const { status, stderr } = template(CI_FILES[0] ?? '', { helm, kubeVersion: '1.29.0' })
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: expect.stringContaining('requires kubeVersion: >=1.30.0-0'),
      })
    }
  })

  it('passes its own unit tests', () => {
    const { status, stdout } = runTool('helm-unittest', ['--file', 'tests/*_test.yaml', CHART])
    expect({ status, stdout }).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/Tests: +[1-9]\d* passed, [1-9]\d* total/),
    })
  })
})
