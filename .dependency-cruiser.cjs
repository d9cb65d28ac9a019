/** @type {import('dependency-cruiser').IConfiguration} */
const only = (name, pkg, home) => ({
  name,
  severity: 'error',
  comment: `${pkg} may be imported only from ${home}`,
  from: { path: '^(shared|services|web)/', pathNot: [home, '[.]test[.]ts$'] },
  to: { path: `node_modules/${pkg}/` },
})
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'type-only cycles count too',
      from: {},
      to: { circular: true },
    },
    {
      name: 'contract-is-a-leaf',
      severity: 'error',
      from: { path: '^shared/contract/' },
      to: { path: '^(services|web|bench|tests|shared/(core|adapters|kit))/' },
    },
    {
      name: 'core-is-pure',
      severity: 'error',
      from: { path: '^shared/core/src/', pathNot: '[.]test[.]ts$' },
      to: { pathNot: ['^shared/(core|contract)/'] },
    },
    {
      name: 'adapters-know-only-core',
      severity: 'error',
      from: { path: '^shared/adapters/' },
      to: { path: '^(services|web|bench|shared/kit)/' },
    },
    {
      name: 'gateway-and-worker-never-meet',
      severity: 'error',
      from: { path: '^services/(gateway|worker)/' },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'probe-is-a-visitor',
      severity: 'error',
      comment: 'it sees what a visitor sees, and starts too often to load more than that',
      from: { path: '^services/probe/' },
      to: { path: '^(services/(?!probe/)|web|bench|shared/(core|adapters|kit))/?' },
    },
    {
      name: 'kit-knows-no-adapters',
      severity: 'error',
      from: { path: '^shared/kit/' },
      to: { path: '^(services|web|bench|shared/adapters)/' },
    },
    {
      name: 'bench-is-a-black-box',
      severity: 'error',
      // The cost of a part is seen from a build without it, as the fault tests build theirs.
      from: { path: '^bench/', pathNot: '^bench/src/contestants/ours/' },
      to: {
        path: [
          '^(services|web|shared/(core|adapters|kit))/',
          '^tests/(?!environment/)',
          '[.]test[.]ts$',
        ],
      },
    },
    {
      name: 'bench-runs-without-a-part',
      severity: 'error',
      from: { path: '^bench/src/contestants/ours/' },
      to: { path: '^(services/[^/]+/src/(?!compose[.]ts$)|web|tests/(?!environment/))/?' },
    },
    {
      name: 'web-takes-types-only',
      severity: 'error',
      from: { path: '^web/', pathNot: '[.]test[.]tsx?$' },
      to: { path: '^(shared|services)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'web-knows-only-contract',
      severity: 'error',
      from: { path: '^web/' },
      to: { path: '^(shared/(core|adapters|kit)|services)/' },
    },
    {
      name: 'web-has-one-direction',
      severity: 'error',
      comment: 'the pages are made of ui, ui and client know no page, and client knows no ui',
      from: { path: '^web/(client|ui)/' },
      to: { path: '^web/', pathNot: ['^web/$1/', '^web/client/'] },
    },
    {
      name: 'ui-takes-types-only',
      severity: 'error',
      comment: 'what is shown is drawn from the client, not made by it',
      from: { path: '^web/ui/', pathNot: '[.]test[.]tsx?$' },
      to: { path: '^web/client/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'usecases-know-no-io',
      severity: 'error',
      from: {
        path: '^services/(gateway/src/usecases|worker/src/(answer|budget|sweeps))/',
        pathNot: '[.]test[.]ts$',
      },
      to: {
        pathNot: [
          '^services/(gateway/src/usecases|worker/src/(answer|budget|sweeps))/',
          '^services/(gateway|worker)/src/context[.]ts$',
          '^shared/(core|contract|kit)/',
          // To wait is no I/O.
          '^(node:)?timers/promises$',
        ],
      },
    },
    {
      name: 'adapters-enter-at-main',
      severity: 'error',
      from: { path: '^services/', pathNot: ['src/(main|compose)[.]ts$', '[.]test[.]ts$'] },
      to: { path: '^shared/adapters/' },
    },
    only(
      'redis-home',
      '(ioredis|bullmq|@socket[.]io/redis-adapter)',
      '^shared/adapters/src/redis/',
    ),
    only('mongo-home', 'mongodb', '^shared/adapters/src/mongo/'),
    only(
      'http-home',
      '(express|helmet|proxy-addr|socket[.]io|ws)',
      '^services/gateway/src/(ws|http|edge)/',
    ),
    only('mail-home', 'nodemailer', '^services/worker/src/channels/mail/'),
    only('llm-home', '(eventsource-parser|undici|cockatiel)', '^services/worker/src/models/'),
    // The probe signs a token as the site in front of chatbox would.
    only('jwt-home', '(jsonwebtoken|jwks-rsa)', '^services/(gateway/src/auth|probe/src)/'),
    only('metrics-home', 'prom-client', '^shared/kit/src/'),
    {
      name: 'environment-is-a-black-box',
      severity: 'error',
      comment: 'it starts and asks the product as anybody does, and is shared by all who do so',
      from: { path: '^tests/environment/', pathNot: '[.]test[.]ts$' },
      to: { path: '^(services|web|bench|shared/(core|adapters|kit)|tests/(?!environment/))/?' },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: {
        orphan: true,
        pathNot: ['[.](test|contract|d)[.]ts$', 'main[.]ts$', '/preload/', '[.]c?js$'],
      },
      to: {},
    },
    {
      name: 'not-to-test',
      severity: 'error',
      from: { pathNot: ['[.]test[.]', '^tests/', '^bench/', '^scripts/cluster[.]ts$'] },
      to: { path: '([.]test[.]|^tests/)' },
    },
    {
      name: 'cluster-command-is-no-test',
      severity: 'error',
      from: { path: '^scripts/' },
      to: { path: ['^tests/(?!environment/)', '[.]test[.]ts$'] },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', 'dist'] },
    exclude: { path: ['^(shared|services|web|bench)/.*/dist/'] },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['chatbox-source', 'import', 'types', 'default'],
      extensions: ['.ts', '.js', '.d.ts'],
    },
  },
}
