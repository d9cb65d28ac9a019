import { expect, it } from '@jest/globals'
import { describeUnless } from '../../support/describe-unless.ts'
import { BUNDLED, EVERYTHING, template } from './support/render.ts'
import { NO_TOOLS, runTool } from './support/tools.ts'

/** What kube-score complains of, and why it stays so. */
const ACCEPTED: [complaint: RegExp, why: string][] = [
  [/: \(\w+\) CPU limit is not set$/, 'a throttled event loop delays everybody on it'],
  [/: \(\w+\) ImagePullPolicy is not set to Always$/, 'a version or a digest names one image'],
  [
    /^rel-chatbox-(?:redis|mongodb)\/.*: \(\w+\) The container (?:is )?running with a low (?:user|group) ID$/,
    'the ids of the official images, whose files belong to them',
  ],
]
/** In this file the user says where the pods go. */
const OWN_AFFINITY =
  'rel-chatbox-gateway/chat apps/v1/Deployment: Deployment does not have a host podAntiAffinity set'

function complaintsOf(manifests: string): string[] {
  const optional = ['container-seccomp-profile', 'container-ports-check']
  const { stdout } = runTool(
    'kube-score',
    [
      ...['score', '--kubernetes-version', 'v1.36', '--output-format', 'ci'],
      ...optional.flatMap((test) => ['--enable-optional-test', test]),
      '-',
    ],
    manifests,
  )
  expect(stdout).toContain('[OK] ')
  return [...stdout.matchAll(/^\[(?:CRITICAL|WARNING)\] (.+)$/gm)].map(([, text = '']) => text)
}

describeUnless(NO_TOOLS)('kube-score', () => {
  it.each([
    [BUNDLED, []],
    ['04-ingress-values.yaml', []],
    ['08-no-autoscaling-values.yaml', []],
    [EVERYTHING, [OWN_AFFINITY]],
  ])('complains of nothing in %s that is not accepted', (file, own) => {
    const complaints = complaintsOf(template(file).stdout)
    const left = complaints.filter((each) => !ACCEPTED.some(([pattern]) => pattern.test(each)))
    expect(left).toEqual(own)
  })

  it.each(ACCEPTED)('still complains as %s: %s', (pattern) => {
    const complaints = complaintsOf(template(BUNDLED).stdout)
    expect(complaints.some((complaint) => pattern.test(complaint))).toBe(true)
  })

  it.each([
    ['readOnlyRootFilesystem: true', 'readOnlyRootFilesystem: false', 'writable root filesystem'],
    ['name: rel-chatbox-gateway\n  minReplicas', 'name: other\n  minReplicas', 'target'],
    ['path: /readyz', 'path: /healthz', 'same readiness and liveness probe'],
  ])('sees %j in place of %j', (right, wrong, says) => {
    const text = template(BUNDLED).stdout
    expect(text).toContain(right)
    expect(complaintsOf(text.replaceAll(right, wrong)).join('\n')).toContain(says)
  })
})
