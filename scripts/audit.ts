import { readOptions, refuseUsage } from './read-options.ts'

const { positionals } = readOptions({
  usage: 'npm run audit --',
  about:
    'Checks the whole chain of the audit log, with the environment of a gateway or of a standalone process.',
  options: {
    head: {
      type: 'string',
      value: 'SEQ.HASH',
      about: 'a head of the chain that is known from elsewhere',
    },
  },
  positionals: 'verify',
})
if (positionals.join() !== 'verify') refuseUsage('The only command is verify')
// It reads the same arguments.
const main = new URL('../services/audit/src/main.ts', import.meta.url)
await import(main.href)
