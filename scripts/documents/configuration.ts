import { describeSettings, PROCESS_KINDS, type SettingDescription } from '@chatbox/kit'
import { layOut, type Documents } from './documents.ts'

const INTRODUCTION = `# Settings

A process reads its settings from the environment once, when it starts. In development it also reads
a \`.env\` file in the working directory, which never overrides a variable that is set. If settings are
wrong, the process reports all of them at once, by name and never with the value, and ends with exit
code 78. If a name looks like a misspelled setting, the process warns.

\`--print-config\` prints the settings in force as JSON, without secrets, and ends:

\`\`\`sh
npm start -- --print-config
\`\`\`

\`npm run docs\` writes this page from \`shared/kit/src/settings/settings.ts\`.

- A duration needs a unit: \`500ms\`, \`120s\`, \`15m\`, \`1d\`. A size is in bytes or has a unit: \`64KiB\`.
- A setting must not be empty. Placeholders (\`REPLACE_WITH_…\`, \`CHANGE_ME\`, \`your-key\`) and secrets
  that a document or a tutorial prints are refused.
- chatbox's own secrets are random bytes from \`openssl rand -base64 32\` or \`openssl rand -hex 32\`. In
  production each must differ from the others, from the passwords in \`REDIS_URL\` and \`MONGO_URI\`, and
  from the providers' keys.
- In production (\`NODE_ENV=production\`) secrets, origins and at least one model provider are required.
  Addresses outside this machine must be \`https\`, Redis and MongoDB there must speak TLS, and the proxy
  in front of an \`https\` address must be named.
- In development a standalone process needs no settings. It keeps the keys that it makes in
  \`development-keys.json\` in its data folder, answers with the \`demo\` model and lets visitors in.
`

const PROVIDERS = `## Model providers

\`LLM_PROVIDER_<n>_<FIELD>\`, with n from 1 to 99. Users choose among all providers. The one with the
smallest number is the default.

\`\`\`sh
LLM_PROVIDER_1_ENDPOINT=https://api.openai.com/v1
LLM_PROVIDER_1_API_KEY=…
LLM_PROVIDER_1_MODEL=…
\`\`\`
`

/** Writes the page of all settings from the table that the processes use. */
export async function toConfigurationPage(): Promise<Documents> {
  const { settings, provider } = describeSettings()
  const page = [INTRODUCTION, '## All settings\n', toTable(settings), PROVIDERS, toTable(provider)]
  return { 'docs/configuration.md': await layOut(page.join('\n'), 'markdown') }
}

function toTable(settings: readonly SettingDescription[]): string {
  const rows = settings.map(({ name, type, defaultNote, about, secret, usedBy }) => {
    const note = usedBy.length === PROCESS_KINDS.length ? '' : ` Read by: ${usedBy.join(', ')}.`
    return `| \`${name}\` | ${type}${secret ? '; secret' : ''} | ${defaultNote} | ${about}${note} |`
  })
  return ['| Name | Value | Default | What it does |', '|---|---|---|---|', ...rows, ''].join('\n')
}
