export interface DependencySeed {
  rule: string
  /** The file that breaks the rule. */
  path: string
  text: string
  /** Files that the fault needs to be one. */
  besides?: Record<string, string>
}

const seed = (rule: string, folder: string, imported: string): DependencySeed => ({
  rule,
  path: `${folder}/seeded-${rule}-${imported.replaceAll(/\W+/g, '-')}.ts`,
  text: `import '${imported}'\n`,
})

/** Packages that have one home, and a folder that is not it. */
const homes = (rule: string, folder: string, packages: string[]): DependencySeed[] =>
  packages.map((name) => seed(rule, folder, name))

const GATEWAY = 'services/gateway/src'
const WORKER = 'services/worker/src'
const ADAPTERS = 'shared/adapters/src'

/** One fault or more for each rule of `.dependency-cruiser.cjs`. */
export const DEPENDENCY_SEEDS: DependencySeed[] = [
  {
    rule: 'no-circular',
    path: 'shared/core/src/seeded-circle-a.ts',
    text: "import type { B } from './seeded-circle-b.ts'\nexport type A = B | 1\n",
    besides: {
      'shared/core/src/seeded-circle-b.ts':
        "import type { A } from './seeded-circle-a.ts'\nexport type B = A | 2\n",
    },
  },
  seed('contract-is-a-leaf', 'shared/contract/src', '@chatbox/core'),
  seed('core-is-pure', 'shared/core/src', 'node:fs'),
  seed('core-is-pure', 'shared/core/src', 'zod'),
  seed('core-is-pure', 'shared/core/src', '@chatbox/kit'),
  seed('adapters-know-only-core', ADAPTERS, '@chatbox/kit'),
  seed('adapters-know-only-core', ADAPTERS, '@chatbox/gateway'),
  seed('gateway-and-worker-never-meet', GATEWAY, '@chatbox/worker'),
  seed('gateway-and-worker-never-meet', WORKER, '@chatbox/gateway'),
  seed('probe-is-a-visitor', 'services/probe/src', '@chatbox/kit'),
  seed('kit-knows-no-adapters', 'shared/kit/src', '@chatbox/adapters'),
  seed('kit-knows-no-adapters', 'shared/kit/src', '@chatbox/gateway'),
  seed('bench-is-a-black-box', 'bench/src', '@chatbox/core'),
  seed('bench-is-a-black-box', 'bench/src', '@chatbox/gateway'),
  seed('bench-is-a-black-box', 'bench/src', '../../tests/support/chat-user.ts'),
  seed('bench-runs-without-a-part', 'bench/src/contestants/ours', '@chatbox/gateway'),
  seed('environment-is-a-black-box', 'tests/environment', '@chatbox/adapters'),
  seed('environment-is-a-black-box', 'tests/environment', '../support/chat-user.ts'),
  seed('cluster-command-is-no-test', 'scripts', '../tests/support/chat-user.ts'),
  seed('web-takes-types-only', 'web/chat/src', '@chatbox/contract'),
  seed('web-knows-only-contract', 'web/client/src', '@chatbox/core'),
  seed('web-knows-only-contract', 'web/client/src', '@chatbox/gateway'),
  seed('web-has-one-direction', 'web/ui/src', '../../chat/src/app.tsx'),
  seed('web-has-one-direction', 'web/client/src', '@chatbox/ui'),
  seed('ui-takes-types-only', 'web/ui/src', '@chatbox/client'),
  seed('usecases-know-no-io', `${GATEWAY}/usecases`, 'node:fs'),
  seed('usecases-know-no-io', `${WORKER}/answer`, '@chatbox/adapters'),
  seed('usecases-know-no-io', `${WORKER}/sweeps`, 'node:fs'),
  seed('usecases-know-no-io', `${GATEWAY}/usecases`, '../start.ts'),
  seed('adapters-enter-at-main', GATEWAY, '@chatbox/adapters'),
  seed('adapters-enter-at-main', `${WORKER}/jobs`, '@chatbox/adapters'),
  ...homes('redis-home', ADAPTERS, ['ioredis', 'bullmq', '@socket.io/redis-adapter']),
  ...homes('mongo-home', `${ADAPTERS}/redis`, ['mongodb']),
  ...homes('http-home', `${GATEWAY}/auth`, ['express', 'helmet', 'proxy-addr', 'socket.io', 'ws']),
  ...homes('mail-home', WORKER, ['nodemailer']),
  ...homes('llm-home', WORKER, ['eventsource-parser', 'undici', 'cockatiel']),
  ...homes('jwt-home', `${GATEWAY}/http`, ['jsonwebtoken', 'jwks-rsa']),
  ...homes('metrics-home', WORKER, ['prom-client']),
  { rule: 'no-orphans', path: 'shared/kit/src/seeded-orphan.ts', text: 'export const alone = 1\n' },
  seed('not-to-test', GATEWAY, '../../../tests/architecture/dependency-seeds.ts'),
  seed('not-to-test', 'shared/core/src', './time.test.ts'),
  seed('not-to-test', 'web/client/src/session', './fake-server.test.support.ts'),
]
